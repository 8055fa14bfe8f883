import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Begins the name of every folder made here; the number of the process that made it follows. */
const prefix = "sallyport-cluster-";

/** Removes the folders of clusters whose process is gone without having removed them itself. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(prefix) ? name.slice(prefix.length).split("-", 1)[0] : undefined;
    if (owner !== undefined && /^\d+$/.test(owner) && !existsSync(`/proc/${owner}`))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** A folder for one cluster; only its owner can read it, for it holds keys. */
export function clusterFolder(): string {
  removeAbandoned();
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  for (const inner of ["pki", "etcd", "logs", "users"]) mkdirSync(join(folder, inner));
  return folder;
}

/** Removes a cluster's folder. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
