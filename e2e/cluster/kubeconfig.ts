import { readFileSync, writeFileSync } from "node:fs";
import type { Certificate } from "./certificates.ts";
import { readKubeconfig } from "./connection.ts";

/** Whom a kubeconfig speaks for. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The user that may do everything. */
export const admin: User = { name: "sallyport-admin", groups: ["system:masters"] };

/** The kubelet of a node, whom the node authorizer knows. */
export function nodeUser(node: string): User {
  return { name: `system:node:${node}`, groups: ["system:nodes"] };
}

/** A service account, as its tokens speak for it: RBAC can't tell the two apart. */
export function serviceAccountUser(namespace: string, name: string): User {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
  };
}

const base64 = (file: string): string => readFileSync(file).toString("base64");

interface KubeconfigParts {
  readonly server: string;
  /** Base64 of PEM. Absent: one that the machine trusts, or the server speaks plain HTTP. */
  readonly authority?: string;
  readonly user: Readonly<Record<string, unknown>>;
}

/** Writes a kubeconfig; JSON is YAML. Its owner alone may read it: it holds a key. */
function writeKubeconfig(path: string, { server, authority, user }: KubeconfigParts): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "sallyport", cluster: { server, ...(authority ? { "certificate-authority-data": authority } : {}) } },
    ],
    users: [{ name: "sallyport", user }],
    contexts: [{ name: "sallyport", context: { cluster: "sallyport", user: "sallyport" } }],
    "current-context": "sallyport",
  };
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return path;
}

/** A kubeconfig with everything in it, so that it can be copied. */
export function writeCertificateKubeconfig(
  path: string,
  server: string,
  authority: string,
  { certificate, key }: Certificate,
): string {
  const user = { "client-certificate-data": base64(certificate), "client-key-data": base64(key) };
  return writeKubeconfig(path, { server, authority: base64(authority), user });
}

/** A kubeconfig for the cluster of another one, with a token. */
export function writeTokenKubeconfig(path: string, of: string, token: string): string {
  const { server, ca } = readKubeconfig(of);
  const authority = ca === undefined ? {} : { authority: ca.toString("base64") };
  return writeKubeconfig(path, { server, ...authority, user: { token } });
}
