import { join } from "node:path";
import { cacheFolder, findIn, pathFolders } from "./cache.ts";
import { run } from "./command.ts";
import { buildProgram, type GoProgram } from "./gomodule.ts";
import { ClusterProblem } from "./problem.ts";
import { kubernetesVersion, streamingEtcdVersion } from "./versions.ts";

/** Programs of Kubernetes that can be had here. */
export type KubernetesProgram =
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl"
  | "kubelet"
  | "kube-proxy";

/** `Debian`: the distribution's, there at once. `Streaming`: built once, serves streaming lists. */
export type EtcdChoice = "Debian" | "Streaming";

/** Folders with ready-made binaries that the user names, as controller-runtime's tests have it. */
const assets = (): readonly string[] => [process.env["KUBEBUILDER_ASSETS"] ?? ""].filter((folder) => folder !== "");

function kubernetesProgram(name: KubernetesProgram): GoProgram {
  const [, minor = ""] = kubernetesVersion.split(".");
  const version = "k8s.io/component-base/version";
  return {
    module: "k8s.io/kubernetes",
    version: kubernetesVersion,
    main: `k8s.io/kubernetes/cmd/${name}`,
    // A build from the module knows no version, and what asks the server for it must not read v0.0.0.
    variables: {
      [`${version}.gitVersion`]: kubernetesVersion,
      [`${version}.gitMajor`]: "1",
      [`${version}.gitMinor`]: minor,
      "k8s.io/client-go/pkg/version.gitVersion": kubernetesVersion,
    },
  };
}

const building = new Map<string, Promise<string>>();

/** The program in this folder of the cache, built there first if need be. */
function cached(folder: string, name: string, build: () => Promise<string>): Promise<string> {
  const there = findIn([folder], name);
  if (there !== undefined) return Promise.resolve(there);
  const key = join(folder, name);
  const promise = building.get(key) ?? build();
  building.set(key, promise);
  return promise;
}

/** Path of a program of Kubernetes: from `KUBEBUILDER_ASSETS`, the cache, or built once out of the Go modules. */
export function kubernetesBinary(name: KubernetesProgram): Promise<string> {
  const given = findIn(assets(), name);
  if (given !== undefined) return Promise.resolve(given);
  const folder = cacheFolder(`kubernetes-${kubernetesVersion}`);
  return cached(folder, name, () => buildProgram(kubernetesProgram(name), folder));
}

/** Path of an etcd. */
export function etcdBinary(choice: EtcdChoice): Promise<string> {
  if (choice === "Streaming") {
    const module = "go.etcd.io/etcd/server/v3";
    const folder = cacheFolder(`etcd-${streamingEtcdVersion}`);
    const program: GoProgram = { module, version: streamingEtcdVersion, main: module, name: "etcd" };
    return cached(folder, "etcd", () => buildProgram(program, folder));
  }
  const given = findIn([...assets(), ...pathFolders()], "etcd");
  if (given !== undefined) return Promise.resolve(given);
  const folder = cacheFolder("etcd-debian");
  return cached(join(folder, "usr/bin"), "etcd", () => unpackEtcd(folder));
}

/**
 * Debian's etcd, unpacked into the cache and not installed: its package starts a daemon that every user of the machine
 * could reach.
 */
async function unpackEtcd(folder: string): Promise<string> {
  const remedy = "install it (apt-get install etcd-server) or name a folder that has it in KUBEBUILDER_ASSETS";
  const download = () => run("apt-get", ["--quiet", "download", "etcd-server"], { cwd: folder });
  let result = await download();
  if (result.code !== 0) {
    await run("apt-get", ["--quiet", "-o", "DPkg::Lock::Timeout=300", "update"]);
    result = await download();
  }
  if (result.code === 0)
    result = await run("sh", ["-c", 'dpkg-deb --extract "$(ls etcd-server_*.deb)" .'], { cwd: folder });
  const path = findIn([join(folder, "usr/bin")], "etcd");
  if (result.code !== 0 || path === undefined)
    throw new ClusterProblem(`there is no etcd and Debian's could not be fetched: ${result.stderr.trim()}`, remedy);
  return path;
}
