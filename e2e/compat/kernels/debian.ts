import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../../cluster/cache.ts";
import { output } from "./command.ts";
import { KernelProblem } from "./problem.ts";

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Debian's name of this machine's architecture. */
function architecture(): string {
  const name = architectures[arch()];
  if (name === undefined)
    throw new KernelProblem(`no kernels for ${arch()}`, "run this on an x86-64 or an arm64 machine");
  return name;
}

/** A kernel of Debian's, unpacked. */
export interface KernelImage {
  /** As `uname -r` says it. */
  readonly release: string;
  /** The compressed kernel. */
  readonly image: string;
  /** `/lib/modules/<release>` of the package. */
  readonly modules: string;
}

/** Names of the image packages of a series (`6.1`) that the known lists have, oldest first. */
function listPackages(series: string): readonly string[] {
  const pattern = `^linux-image-${series.replaceAll(".", "\\.")}\\.[0-9][^ ]*-${architecture()}$`;
  return output("apt-cache", ["search", "--names-only", pattern], "apt")
    .toString()
    .split("\n")
    .flatMap((line) => line.split(" ", 1)[0] ?? [])
    .filter((name) => name !== "" && !/-(cloud|rt)-[^-]+$/.test(name))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Name of the newest image package that the configured mirrors offer. */
function newestPackage(series: string): string {
  const known = listPackages(series).at(-1);
  if (known !== undefined) return known;
  output("apt-get", ["-q", "update"], "apt");
  const newest = listPackages(series).at(-1);
  if (newest === undefined)
    throw new KernelProblem(
      `the configured Debian mirrors offer no kernel ${series}`,
      "choose one that they have; Debian 12 has 6.1, and 6.12 in its security updates and backports",
    );
  return newest;
}

/** Fetches and unpacks a package, once: what is in the cache is named after it. */
export function fetchKernel(series: string): KernelImage {
  const name = newestPackage(series);
  const parent = cacheFolder("kernels");
  const folder = join(parent, name);
  if (!existsSync(folder)) {
    const work = mkdtempSync(join(parent, ".fetching-"));
    try {
      output("apt-get", ["-q", "download", name], "apt", work);
      const archive = readdirSync(work).find((file) => file.endsWith(".deb"));
      output("dpkg-deb", ["--extract", archive ?? "", "unpacked"], "dpkg", work);
      renameSync(join(work, "unpacked"), folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  const release = name.replace(/^linux-image-/, "");
  const modules = ["lib/modules", "usr/lib/modules"].map((path) => join(folder, path, release)).find(existsSync);
  if (modules === undefined) throw new KernelProblem(`${folder} has no modules`, "remove that folder and try again");
  return { release, image: join(folder, "boot", `vmlinuz-${release}`), modules };
}
