import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Cluster, startControlPlane } from "./controlplane.ts";
import { clusterFolder, removeFolder } from "./folder.ts";
import type { User } from "./kubeconfig.ts";

interface NamedUser {
  readonly name: string;
  readonly user: object;
}

/**
 * The user's own cluster. Its certificate authority is not ours, so other users are impersonated: to the authorizers
 * of the cluster that is the same.
 */
function userCluster(kubeconfig: string): Cluster {
  const folder = clusterFolder();
  const config = parse(readFileSync(kubeconfig, "utf8")) as { readonly users: readonly NamedUser[] };
  return {
    kubeconfig,
    folder,
    lasting: true,
    kubeconfigFor: async ({ name, groups }: User) => {
      const users = config.users.map((entry) => ({
        ...entry,
        user: { ...entry.user, as: name, "as-groups": [...groups, "system:authenticated"] },
      }));
      const path = join(folder, "users", `${encodeURIComponent(name)}.kubeconfig`);
      writeFileSync(path, JSON.stringify({ ...config, users }), { mode: 0o600 });
      return path;
    },
    stop: async () => removeFolder(folder),
  };
}

/** The cluster that `KUBECONFIG` names, and says so; else a control plane of our own. */
export async function openCluster(): Promise<Cluster> {
  const given = process.env["KUBECONFIG"] ?? "";
  if (given === "") return startControlPlane();
  process.stderr.write(`using the cluster of KUBECONFIG, ${given}: the tests write to it\n`);
  return userCluster(given);
}
