import assert from "node:assert/strict";
import { join } from "node:path";
import { Caches } from "../../operator/control/caches.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { type ReflectorOptions, usualReflectorOptions } from "../../operator/kube/reflector.ts";
import { systemTimers } from "../../operator/kube/timers.ts";
import { KubeTransport, loadKubeConfig } from "../../operator/kube/transport.ts";
import type { StoredObject } from "../../operator/ports.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { type ClusterWorld, eventually } from "./world.ts";

/** Times that suit a test: nothing is waited for in vain for long. */
const quick: Partial<ReflectorOptions> = {
  backoff: { first: 20, most: 200 },
  idle: 3000,
  listIdle: 3000,
  absentRetry: 200,
};

/** The operator's caches behind a fault proxy, in the operator's name; the groups are what is looked at. */
export class ProxiedCaches {
  readonly proxy: FaultProxy;
  /** Restarts as `Kind reason`, in their order. */
  readonly restarts: string[] = [];
  readonly #world: ClusterWorld;
  readonly #caches = new Caches(() => undefined);
  readonly #transport: KubeTransport;
  #changes = 0;

  private constructor(world: ClusterWorld, proxy: FaultProxy) {
    this.#world = world;
    this.proxy = proxy;
    const kubeconfig = proxy.writeKubeconfig(join(world.cluster.folder, "users", "proxy.kubeconfig"));
    this.#transport = new KubeTransport(loadKubeConfig(kubeconfig), systemTimers);
  }

  /** Caches that read nothing yet. */
  static async make(world: ClusterWorld): Promise<ProxiedCaches> {
    return new ProxiedCaches(world, await FaultProxy.start(world.operatorKubeconfig));
  }

  /** Begins to read, and waits until the caches are whole. */
  async start(): Promise<void> {
    this.#caches.start({
      client: new KubeClient(this.#transport),
      timers: systemTimers,
      chance: Math.random,
      observer: { restarted: (kind, reason) => void this.restarts.push(`${kind} ${reason}`) },
      options: { ...usualReflectorOptions, ...quick },
    });
    await this.#caches.whenSynced();
  }

  async stop(): Promise<void> {
    await this.#caches.stop();
    this.#transport.close();
    await this.proxy.stop();
  }

  /** Names of the groups in the cache. */
  names(): readonly string[] {
    return this.#groups().map(({ metadata }) => metadata.name);
  }

  /** Until the cache holds exactly the groups that the API server has. */
  async agrees(): Promise<void> {
    await eventually(async () => {
      const versions = (objects: readonly StoredObject[]) =>
        objects.map(({ metadata }) => [metadata.name, metadata.resourceVersion]);
      assert.deepEqual(versions(this.#groups()), versions(await this.#world.list("SecurityGroup")));
    });
  }

  /** Changes a group, adds one and removes one, so that the next watch has something to miss. */
  async change(): Promise<void> {
    this.#changes += 1;
    await this.#world.group("changing", { description: `change ${this.#changes}` });
    await this.#world.group(`new-${this.#changes}`, {});
    if (this.#changes > 1) await this.#world.remove("SecurityGroup", `new-${this.#changes - 1}`);
  }

  #groups() {
    return this.#caches.of("SecurityGroup").items();
  }
}
