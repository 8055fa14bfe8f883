import type { RuleSetSpec } from "../../crds/compiled.ts";
import { type CacheChange, ObjectCache } from "../../operator/kube/cache.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { Reflector, usualReflectorOptions } from "../../operator/kube/reflector.ts";
import { systemTimers } from "../../operator/kube/timers.ts";
import { KubeTransport, loadKubeConfig } from "../../operator/kube/transport.ts";
import type { AddressSet, NodePolicy, Rule } from "../../semantics/policy.ts";

interface Waiter {
  readonly holds: () => boolean;
  readonly resolve: (at: number) => void;
}

/** What the operator has written, as a watch shows it: what an agent could know at this moment. */
export class CompiledView {
  readonly #transport: KubeTransport;
  readonly #reflectors: readonly Reflector[];
  /** Rule set of each endpoint, by uid. */
  readonly #endpoints = new Map<string, string | undefined>();
  /** In how many sets of members each address is. */
  readonly #members = new Map<string, number>();
  readonly #rules = new Map<string, readonly Rule[]>();
  readonly #lists = new Map<string, readonly string[]>();
  readonly #waiters = new Set<Waiter>();

  constructor(kubeconfig: string) {
    this.#transport = new KubeTransport(loadKubeConfig(kubeconfig), systemTimers);
    const client = new KubeClient(this.#transport);
    this.#reflectors = (["NodePolicy", "AddressSet", "RuleSet"] as const).map(
      (kind) =>
        new Reflector(kind, {
          client,
          cache: new ObjectCache(kind, (change) => this.#take(change)),
          timers: systemTimers,
          chance: Math.random,
          observer: { restarted: () => undefined },
          options: usualReflectorOptions,
          optional: false,
        }),
    );
  }

  /** Resolves when everything that is there is known. */
  async start(): Promise<void> {
    for (const reflector of this.#reflectors) reflector.start();
    await Promise.all(this.#reflectors.map((reflector) => reflector.whenSynced()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
    this.#transport.close();
  }

  /** Name of the rule set of a pod; undefined: the pod is no endpoint, or has none. */
  ruleSetOf(uid: string): string | undefined {
    return this.#endpoints.get(uid);
  }

  /** Whether the addresses are those of a member of some group. */
  haveMember(addresses: readonly string[]): boolean {
    return addresses.every((address) => this.#members.has(address));
  }

  /** How many rule sets have a rule for this port. */
  ruleSetsWithPort(port: number): number {
    const hasPort = ({ service }: Rule): boolean => service.ports?.from === port;
    return [...this.#rules.values()].filter((rules) => rules.some(hasPort)).length;
  }

  /** Whether a prefix list has this entry. */
  listHas(list: string, cidr: string): boolean {
    return this.#lists.get(list)?.includes(cidr) ?? false;
  }

  /** When it holds, as `performance.now()` has it; at once if it does already. */
  until(holds: () => boolean): Promise<number> {
    if (holds()) return Promise.resolve(performance.now());
    return new Promise((resolve) => this.#waiters.add({ holds, resolve }));
  }

  #take({ kind, before, after }: CacheChange): void {
    switch (kind) {
      case "NodePolicy":
        this.#takeNode(before?.spec as NodePolicy | undefined, after?.spec as NodePolicy | undefined);
        break;
      case "AddressSet":
        this.#takeAddresses(before?.spec as AddressSet | undefined, after?.spec as AddressSet | undefined);
        break;
      default:
        this.#takeRules((after ?? before)?.metadata.name ?? "", after?.spec as RuleSetSpec | undefined);
    }
    for (const waiter of this.#waiters)
      if (waiter.holds()) {
        this.#waiters.delete(waiter);
        waiter.resolve(performance.now());
      }
  }

  #takeNode(before: NodePolicy | undefined, after: NodePolicy | undefined): void {
    for (const { pod } of before?.endpoints ?? []) this.#endpoints.delete(pod.uid);
    for (const { pod, ruleSet } of after?.endpoints ?? []) this.#endpoints.set(pod.uid, ruleSet);
  }

  #takeAddresses(before: AddressSet | undefined, after: AddressSet | undefined): void {
    if (after?.kind === "prefixList") this.#lists.set(after.prefixList, after.cidrs);
    for (const [set, more] of [
      [after, 1],
      [before, -1],
    ] as const) {
      if (set?.kind !== "members") continue;
      for (const cidr of set.cidrs) this.#count(cidr.replace(/\/\d+$/, ""), more);
    }
  }

  #count(address: string, more: number): void {
    const count = (this.#members.get(address) ?? 0) + more;
    if (count === 0) this.#members.delete(address);
    else this.#members.set(address, count);
  }

  #takeRules(name: string, spec: RuleSetSpec | undefined): void {
    if (spec?.content === "groups") this.#rules.set(name, spec.groups.rules);
    else this.#rules.delete(name);
  }
}
