import { followAuditLog } from "../../e2e/cluster/audit.ts";
import { showProgress } from "../../e2e/cluster/progress.ts";
import { World, writesIn } from "../../e2e/operator/world.ts";
import { objectPath } from "../../operator/kube/resources.ts";
import { putObjects } from "./etcd.ts";
import { groupSpecs, prefixListName, storedObjects } from "./objects.ts";
import { podManifest, podName, podNamespace, podUid, runningStatus } from "./pods.ts";
import { namespaceName, type Size } from "./size.ts";

/** The API server holds 4 GiB of objects; with a limit near that it does little but collect garbage. */
const apiServerEnvironment = { GOMEMLIMIT: "8GiB" };

/** It reads everything before it is ready: half a minute on two cores that have nothing else to do, milliseconds. */
const readyWithin = 600_000;

const mergePatch = "application/merge-patch+json";

/** Writes of the operator that the API server took. */
export interface Writes {
  /** To compiled objects. */
  readonly compiled: readonly string[];
  /** Statuses and finalizers of users' objects, events and the lease. */
  readonly others: number;
}

/**
 * An API server with a cluster of this size, and hands to change it. Controllers don't run: nodes without kubelets
 * would be tainted and their pods evicted, and figures would be about that.
 */
export class ScaleCluster {
  readonly size: Size;
  readonly #world: World;
  readonly #uids = new Map<number, string>();

  private constructor(size: Size, world: World) {
    this.size = size;
    this.#world = world;
  }

  /** Starts it, with everything written straight into etcd while the API server does not run. */
  static async start(size: Size): Promise<ScaleCluster> {
    const progress = showProgress(`a cluster of ${size.nodes} nodes and ${size.pods} pods`);
    const world = await World.start({ controllers: false, apiServerEnvironment, readyWithin });
    try {
      await world.plane.apiServer.stop();
      progress.step("writing objects into etcd");
      await putObjects(world.plane.etcdServer, storedObjects(size));
      progress.step("starting the API server");
      await world.plane.ready();
      progress.done("serves");
      return new ScaleCluster(size, world);
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  get kubeconfig(): string {
    return this.#world.plane.kubeconfig;
  }

  get operatorKubeconfig(): string {
    return this.#world.operatorKubeconfig;
  }

  stop(): Promise<void> {
    return this.#world.stop();
  }

  /** What the operator writes between two calls. */
  followWrites(): () => Writes {
    const follow = followAuditLog(this.#world.plane.auditLog);
    return () => {
      const events = follow();
      const others = ["sallyport.dev", "events.k8s.io"].flatMap((group) => writesIn(events, group));
      return { compiled: writesIn(events, "node.sallyport.dev"), others: others.length };
    };
  }

  uidOf(pod: number): string {
    return this.#uids.get(pod) ?? podUid(pod);
  }

  async createPod(pod: number): Promise<void> {
    const path = `/api/v1/namespaces/${podNamespace(pod, this.size)}/pods`;
    const created = (await this.#world.ask("POST", path, podManifest(pod, this.size))) as { metadata: { uid: string } };
    this.#uids.set(pod, created.metadata.uid);
  }

  /** Tells what the kubelet would: the pod runs, and has addresses. */
  async runPod(pod: number): Promise<void> {
    const body = { status: runningStatus(pod, this.size) };
    await this.#world.ask("PATCH", `${this.#podPath(pod)}/status`, body, mergePatch);
  }

  async labelPod(pod: number, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#world.ask("PATCH", this.#podPath(pod), { metadata: { labels } }, mergePatch);
  }

  async deletePod(pod: number): Promise<void> {
    await this.#world.ask("DELETE", this.#podPath(pod), { gracePeriodSeconds: 0 });
  }

  /** Lets the group that all pods of a namespace are in have its rule for SSH on another port. */
  async changeRule(namespace: number, port: number): Promise<void> {
    const ref = { kind: "SecurityGroup", namespace: namespaceName(namespace), name: "base" } as const;
    const { ingress } = groupSpecs(namespace, this.size).base;
    const changed = ingress.map((rule) => ("ports" in rule ? { ...rule, ports: port } : rule));
    await this.#world.ask("PATCH", objectPath(ref), { spec: { ingress: changed } }, mergePatch);
  }

  /** Exchanges the entries of a prefix list. */
  async changeList(list: number, cidrs: readonly string[]): Promise<void> {
    const ref = { kind: "PrefixList", name: prefixListName(list) } as const;
    const entries = cidrs.map((cidr) => ({ cidr }));
    await this.#world.ask("PATCH", objectPath(ref), { spec: { entries } }, mergePatch);
  }

  #podPath(pod: number): string {
    return objectPath({ kind: "Pod", namespace: podNamespace(pod, this.size), name: podName(pod) });
  }
}
