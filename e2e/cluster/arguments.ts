import { join } from "node:path";
import type { Authority, Certificate } from "./certificates.ts";

/** Addresses of Services; in no test do they leave a namespace. */
const serviceRanges = "10.96.0.0/16,fd00:96::/112";

/** Where the parts of one control plane are. */
export interface Layout {
  readonly folder: string;
  readonly address: string;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly securePort: number;
  readonly managerPort: number;
  readonly schedulerPort: number;
}

/** Files of certificates and keys that the parts are started with. */
export interface Credentials {
  readonly authority: Authority;
  readonly server: Certificate;
  readonly kubeletClient: Certificate;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
}

/** Path of the API server's audit log. */
export const auditLogOf = (folder: string): string => join(folder, "audit.log");

/** Arguments of etcd: one member, on loopback. */
export function etcdArguments({ folder, etcdPort, etcdPeerPort }: Layout): readonly string[] {
  const client = `http://127.0.0.1:${etcdPort}`;
  const peer = `http://127.0.0.1:${etcdPeerPort}`;
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The only member needs no patience with others: it leads a tenth of a second after its start, not a whole one.
    "--heartbeat-interval=10",
    "--election-timeout=100",
    "--logger=zap",
  ];
}

/** Arguments of the API server: RBAC and the node authorizer, certificates only, an audit log of everything. */
export function apiServerArguments(layout: Layout, credentials: Credentials): readonly string[] {
  const { folder, address, etcdPort, securePort } = layout;
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    `--bind-address=${address}`,
    `--secure-port=${securePort}`,
    // Nobody reaches the API server through its Service here, and a loopback address can't be an endpoint.
    "--endpoint-reconciler-type=none",
    `--service-cluster-ip-range=${serviceRanges}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--anonymous-auth=false",
    "--allow-privileged",
    `--client-ca-file=${credentials.authority.certificate}`,
    `--tls-cert-file=${credentials.server.certificate}`,
    `--tls-private-key-file=${credentials.server.key}`,
    `--kubelet-client-certificate=${credentials.kubeletClient.certificate}`,
    `--kubelet-client-key=${credentials.kubeletClient.key}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--service-account-issuer=sallyport-tests",
    `--service-account-signing-key-file=${credentials.serviceAccountKey}`,
    `--service-account-key-file=${credentials.serviceAccountPublicKey}`,
    `--audit-policy-file=${join(folder, "audit-policy.json")}`,
    `--audit-log-path=${auditLogOf(folder)}`,
    // A test that has its answer finds its request in the log.
    "--audit-log-mode=blocking-strict",
    `--cert-dir=${join(folder, "pki")}`,
  ];
}

/** Arguments of the controller manager; it also signs certificates that nodes ask for. */
export function managerArguments(layout: Layout, credentials: Credentials, kubeconfig: string): readonly string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${layout.managerPort}`,
    `--cert-dir=${join(layout.folder, "pki")}`,
    "--leader-elect=false",
    "--use-service-account-credentials",
    // Its controllers start one after the other, with several requests each: twenty a second would take five seconds.
    "--kube-api-qps=500",
    "--kube-api-burst=500",
    `--service-account-private-key-file=${credentials.serviceAccountKey}`,
    `--root-ca-file=${credentials.authority.certificate}`,
    `--cluster-signing-cert-file=${credentials.authority.certificate}`,
    `--cluster-signing-key-file=${credentials.authority.key}`,
  ];
}

/** Arguments of the scheduler. */
export function schedulerArguments(layout: Layout, kubeconfig: string): readonly string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${layout.schedulerPort}`,
    `--cert-dir=${join(layout.folder, "pki")}`,
    "--leader-elect=false",
  ];
}
