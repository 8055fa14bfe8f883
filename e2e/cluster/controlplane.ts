import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  apiServerArguments,
  auditLogOf,
  type Credentials,
  etcdArguments,
  type Layout,
  managerArguments,
  schedulerArguments,
} from "./arguments.ts";
import { type AuditEvent, auditPolicy, readAuditLog } from "./audit.ts";
import { type EtcdChoice, etcdBinary, kubernetesBinary } from "./binaries.ts";
import { createAuthority } from "./certificates.ts";
import { connect } from "./connection.ts";
import { clusterFolder, removeFolder } from "./folder.ts";
import { admin, type User, writeCertificateKubeconfig } from "./kubeconfig.ts";
import { freePort } from "./ports.ts";
import { ClusterProblem } from "./problem.ts";
import { type ClusterProcess, clusterProcess } from "./process.ts";

/** How the control plane differs from the usual one. */
export interface ControlPlaneOptions {
  readonly etcd?: EtcdChoice;
  /** Address on which the API server listens; loopback unless nodes in other namespaces must reach it. */
  readonly address?: string;
  readonly apiServerArguments?: readonly string[];
  /** Added to the API server's environment. */
  readonly apiServerEnvironment?: Readonly<Record<string, string>>;
  /** `false`: neither controller manager nor scheduler runs, and nothing happens but what clients ask for. */
  readonly controllers?: boolean;
  /** How long the API server may take until it answers, milliseconds; one that has much to read takes longer. */
  readonly readyWithin?: number;
}

/** A cluster's API, for whoever has a kubeconfig. */
export interface Cluster {
  /** Path of a kubeconfig that may do everything. */
  readonly kubeconfig: string;
  /** Of the tests alone, for files; gone with `stop`. */
  readonly folder: string;
  /** It goes on when the tests have ended: what they leave behind stays. */
  readonly lasting: boolean;
  /** Path of a kubeconfig in the name of this user. */
  kubeconfigFor(user: User): Promise<string>;
  stop(): Promise<void>;
}

/** A control plane of our own: its processes can be stopped, killed and started again. */
export interface ControlPlane extends Cluster {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** `http://127.0.0.1:PORT`. */
  readonly etcdServer: string;
  readonly auditLog: string;
  readonly etcd: ClusterProcess;
  readonly apiServer: ClusterProcess;
  readonly controllerManager: ClusterProcess;
  readonly scheduler: ClusterProcess;
  auditEvents(): readonly AuditEvent[];
  /**
   * Until the API server answers, and the controllers have made what every cluster begins with. Starts what does not
   * run. Throws when one of the processes ends.
   */
  ready(): Promise<void>;
}

const pollMilliseconds = 50;
const usualReadyWithin = 60_000;

/**
 * Starts etcd, API server, controller manager and scheduler as processes on loopback, ready for use. They end with
 * `stop`, and also when this process does.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const [etcd, apiServer, controllerManager, scheduler] = await Promise.all([
    etcdBinary(options.etcd ?? "Debian"),
    kubernetesBinary("kube-apiserver"),
    kubernetesBinary("kube-controller-manager"),
    kubernetesBinary("kube-scheduler"),
  ]);
  const layout = await layOut(options.address ?? "127.0.0.1");
  const { folder } = layout;
  const leave = leaveNothing(folder);
  const plane = await assemble(layout, { etcd, apiServer, controllerManager, scheduler }, options);
  const stop = async (): Promise<void> => {
    await Promise.all([plane.scheduler.stop(), plane.controllerManager.stop()]);
    await plane.apiServer.stop();
    await plane.etcd.kill();
    leave();
  };
  const started = { ...plane, stop };
  try {
    await started.ready();
  } catch (error) {
    await stop();
    throw error;
  }
  return started;
}

/**
 * Removes the folder when this process ends, also by Ctrl-C or SIGTERM; the processes die with it anyway. Returns what
 * does so now. After a SIGKILL the next cluster removes the folder.
 */
function leaveNothing(folder: string): () => void {
  const onExit = (): void => removeFolder(folder);
  const onSignal = (signal: NodeJS.Signals): void => {
    leave();
    // Who else listens to the signal decides what becomes of the process; without anybody it ends as it would have.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const leave = (): void => {
    process.off("exit", onExit);
    for (const signal of signals) process.off(signal, onSignal);
    removeFolder(folder);
  };
  process.on("exit", onExit);
  for (const signal of signals) process.on(signal, onSignal);
  return leave;
}

async function layOut(address: string): Promise<Layout> {
  return {
    folder: clusterFolder(),
    address,
    etcdPort: await freePort(),
    etcdPeerPort: await freePort(),
    securePort: await freePort(address),
    managerPort: await freePort(),
    schedulerPort: await freePort(),
  };
}

async function makeCredentials({ folder, address }: Layout): Promise<Credentials> {
  const authority = await createAuthority(join(folder, "pki"));
  const names = [`IP:${address}`, "IP:127.0.0.1", "IP:10.96.0.1", "DNS:kubernetes.default.svc", "DNS:localhost"];
  const [server, kubeletClient] = await Promise.all([
    authority.issue("apiserver", { commonName: "kube-apiserver", alternativeNames: names }),
    authority.issue("kubelet-client", { commonName: "kube-apiserver", organizations: ["system:masters"] }),
  ]);
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const serviceAccountKey = join(folder, "pki/service-accounts.key");
  const serviceAccountPublicKey = join(folder, "pki/service-accounts.pub");
  writeFileSync(serviceAccountKey, privateKey, { mode: 0o600 });
  writeFileSync(serviceAccountPublicKey, publicKey);
  return { authority, server, kubeletClient, serviceAccountKey, serviceAccountPublicKey };
}

type Binaries = Readonly<Record<"etcd" | "apiServer" | "controllerManager" | "scheduler", string>>;

async function assemble(
  layout: Layout,
  binaries: Binaries,
  options: ControlPlaneOptions,
): Promise<Omit<ControlPlane, "stop">> {
  const { folder } = layout;
  const credentials = await makeCredentials(layout);
  const server = `https://${layout.address}:${layout.securePort}`;
  writeFileSync(join(folder, "audit-policy.json"), JSON.stringify(auditPolicy));
  const kubeconfigFor = async ({ name, groups }: User): Promise<string> => {
    const file = encodeURIComponent(name);
    const certificate = await credentials.authority.issue(file, { commonName: name, organizations: groups });
    const path = join(folder, "users", `${file}.kubeconfig`);
    return writeCertificateKubeconfig(path, server, credentials.authority.certificate, certificate);
  };
  const [kubeconfig, manager, scheduling] = await Promise.all([
    kubeconfigFor(admin),
    kubeconfigFor({ name: "system:kube-controller-manager", groups: [] }),
    kubeconfigFor({ name: "system:kube-scheduler", groups: [] }),
  ]);
  const part = (name: string, path: string, args: readonly string[], environment = {}): ClusterProcess =>
    clusterProcess(name, path, args, { log: join(folder, "logs", `${name}.log`), environment });
  const etcd = part("etcd", binaries.etcd, etcdArguments(layout));
  const apiServer = part(
    "kube-apiserver",
    binaries.apiServer,
    [...apiServerArguments(layout, credentials), ...(options.apiServerArguments ?? [])],
    options.apiServerEnvironment,
  );
  const controllerManager = part(
    "kube-controller-manager",
    binaries.controllerManager,
    managerArguments(layout, credentials, manager),
  );
  const scheduler = part("kube-scheduler", binaries.scheduler, schedulerArguments(layout, scheduling));
  const all = [etcd, apiServer, controllerManager, scheduler];
  const auditLog = auditLogOf(folder);
  return {
    server,
    etcdServer: `http://127.0.0.1:${layout.etcdPort}`,
    folder,
    lasting: false,
    kubeconfig,
    kubeconfigFor,
    auditLog,
    auditEvents: () => readAuditLog(auditLog),
    etcd,
    apiServer,
    controllerManager,
    scheduler,
    ready: async () => {
      const deadline = performance.now() + (options.readyWithin ?? usualReadyWithin);
      for (const process of [etcd, apiServer]) process.start();
      await answers(kubeconfig, "/readyz", [etcd, apiServer], deadline);
      if (options.controllers === false) return;
      for (const process of [controllerManager, scheduler]) process.start();
      // No pod is admitted to a namespace before this account is there.
      await answers(kubeconfig, "/api/v1/namespaces/default/serviceaccounts/default", all, deadline);
    },
  };
}

/** Until a request is answered with 200. Throws when a process that must run does not, and after the deadline. */
async function answers(
  kubeconfig: string,
  path: string,
  processes: readonly ClusterProcess[],
  deadline: number,
): Promise<void> {
  const connection = connect(kubeconfig);
  try {
    for (;;) {
      const status = await connection.send("GET", path).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) return;
      for (const process of processes) process.check();
      if (performance.now() > deadline)
        throw new ClusterProblem(
          `the API server does not serve ${path}: it last answered ${status}`,
          `see the logs: ${processes.map(({ log }) => log).join(", ")}`,
        );
      await sleep(pollMilliseconds);
    }
  } finally {
    connection.close();
  }
}
