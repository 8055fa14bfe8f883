/** Which test files run, and which are left out. Paths are relative to `e2e`. */
interface Selection {
  readonly run: readonly string[];
  /** In the order of the files. */
  readonly leftOut: readonly { readonly file: string; readonly because: string }[];
  /** What was asked for and names no test. */
  readonly unknown: readonly string[];
}

/** What the user's cluster can't be used for: these need a control plane of their own, folder or file. */
const needsOwnControlPlane: Readonly<Record<string, string>> = {
  "cluster/": "it is about the control planes of the tests themselves",
  "operator/convergence.test.ts": "it kills the API server and etcd",
  "operator/eks.test.ts": "it installs EKS's SecurityGroupPolicy and removes it",
  "operator/faults.test.ts": "it restarts the API server and etcd, and needs one without streaming lists",
  "operator/leader.test.ts": "it reads the audit log",
  "operator/process.test.ts": "it reads the audit log",
  "operator/streaming.test.ts": "it needs an etcd with streaming lists",
  "operator/writes.test.ts": "it reads the audit log",
};

/**
 * The files that these names mean: a suite (`operator`) or the beginning of a file's path in one (`operator/leader`);
 * without names all. `userCluster`: they are to run in the cluster of `KUBECONFIG`.
 */
export function selectTests(files: readonly string[], names: readonly string[], userCluster: boolean): Selection {
  const isMeant = (name: string, file: string): boolean => file.startsWith(name.includes("/") ? name : `${name}/`);
  const meant = names.length === 0 ? files : files.filter((file) => names.some((name) => isMeant(name, file)));
  const reasonOf = (file: string): string | undefined =>
    userCluster ? Object.entries(needsOwnControlPlane).find(([path]) => file.startsWith(path))?.[1] : undefined;
  return {
    run: meant.filter((file) => reasonOf(file) === undefined),
    leftOut: meant.flatMap((file) => {
      const because = reasonOf(file);
      return because === undefined ? [] : [{ file, because }];
    }),
    unknown: names.filter((name) => !files.some((file) => isMeant(name, file))),
  };
}
