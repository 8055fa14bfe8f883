import { constants } from "../abi.generated.ts";
import { sumCpus, u32Bytes } from "../bytes.ts";
import type { NodePlan } from "../compile/node.ts";
import type { PrefixEntry } from "../compile/prefixes.ts";
import { tableIndex } from "../compile/table.ts";
import type { Datapath } from "../datapath.ts";
import { diffEntries } from "./entries.ts";
import { digestOf, type InstalledPolicy, PolicySlots } from "./slots.ts";

interface HeldPolicy extends InstalledPolicy {
  /** As `PlannedPolicy.source`. */
  readonly source: string;
}

/** The automatically tracked remotes (S-60), and where they are. */
interface Remotes {
  readonly slot: number;
  readonly entries: readonly PrefixEntry[];
}

/** The policies of a node: those in force by the plan's key, and those that wait to be released. */
export class PolicyTable {
  readonly #datapath: Datapath;
  readonly #slots: PolicySlots;
  /** By the plan's key. */
  #installed = new Map<string, HeldPolicy>();
  /** Why a policy of the last plan is not installed, by the plan's key: its endpoints are closed, others go on. */
  readonly #failures = new Map<string, unknown>();
  readonly #stale: InstalledPolicy[] = [];
  #policiesOfRuleSet: ReadonlyMap<string, readonly string[]> = new Map();
  /** Hits of released policies, by RuleSet name and rule. */
  readonly #carriedHits = new Map<string, number[]>();
  #remotes: Remotes | undefined;
  #staleRemotes: number[] = [];

  /** `inForce` are the slots that endpoints of a former agent refer to. */
  constructor(datapath: Datapath, inForce: ReadonlySet<number>) {
    this.#datapath = datapath;
    this.#slots = new PolicySlots(datapath.bpf, datapath.policyMaps);
    const remotes = datapath.configuration.u32("tracking_slot");
    if (remotes !== 0) {
      this.#slots.reserve(remotes);
      this.#staleRemotes.push(remotes);
    }
    for (const slot of inForce) {
      const id = datapath.map("policies").lookup(u32Bytes(slot));
      if (id !== undefined) {
        this.#slots.adopt(slot, datapath.bpf.openMap(new DataView(id.buffer, id.byteOffset).getUint32(0, true)));
      }
    }
    this.#slots.discardOrphans();
  }

  /** Puts what the plan needs and is not there yet into free slots. */
  install(plan: NodePlan): void {
    const before = this.#installed;
    this.#installed = new Map();
    this.#failures.clear();
    for (const [key, { source, image }] of plan.policies) {
      const known = before.get(key);
      const digest = image && digestOf(image);
      if (known !== undefined && (digest === undefined || digest === known.digest)) {
        // The same to packets, but what matches nothing counts in the index of a rule too.
        this.#installed.set(key, { ...known, source, tables: image?.tables ?? known.tables });
        before.delete(key);
      } else if (image !== undefined && digest !== undefined) {
        this.#tryInstall(key, source, () => this.#slots.install(image, digest));
      }
    }
    for (const [key, policy] of before) {
      this.#carry(key, policy);
      this.#stale.push(policy);
    }
    this.#policiesOfRuleSet = plan.policiesOfRuleSet;
    const remotes = this.#installRemotes(plan.trackedRemotes);
    try {
      this.#slots.publish();
    } catch (error) {
      if (remotes !== undefined) this.#slots.releasePrefixes(remotes.slot);
      throw error;
    }
    if (remotes !== undefined) this.#useRemotes(remotes);
  }

  /** Sources of the policies that the last plan installed, by the plan's key. */
  sources(): ReadonlyMap<string, string> {
    return new Map([...this.#installed].map(([key, { source }]) => [key, source]));
  }

  /** Slot of a policy of the last plan; 0 for undefined. Throws what kept the policy from being installed. */
  slot(key: string | undefined): number {
    if (key === undefined) return 0;
    const installed = this.#installed.get(key);
    if (installed === undefined) throw this.#failures.get(key) ?? new Error(`no policy ${key} is installed`);
    return installed.slot;
  }

  hasStale(): boolean {
    return this.#stale.length > 0 || this.#staleRemotes.length > 0 || this.#slots.hasAdopted();
  }

  /** Frees the slots that no endpoint refers to, after a grace period. */
  releaseStale(): void {
    // One by one: what was given back when a later one fails must not be given back again.
    for (let policy = this.#stale[0]; policy !== undefined; policy = this.#stale[0]) {
      this.#slots.release(policy);
      this.#stale.shift();
    }
    for (const slot of this.#staleRemotes) {
      this.#slots.releasePrefixes(slot);
    }
    this.#staleRemotes = [];
    this.#slots.releaseAdopted();
  }

  /** Index in the rule set's or ACL's rules of a rule as the datapath numbers it. */
  sourceOf(slot: number, direction: number, family: number, rule: number): number | undefined {
    const policy = [...this.#installed.values(), ...this.#stale].find((installed) => installed.slot === slot);
    const table = policy?.tables.find(
      (one) => tableIndex(one.direction, one.family) === direction * constants.FAMILIES + family,
    );
    return table?.rules[rule]?.source;
  }

  /** Hits of each rule of a rule set, since it was first programmed. */
  hits(ruleSet: string): number[] {
    const sums = [...(this.#carriedHits.get(ruleSet) ?? [])];
    for (const key of this.#policiesOfRuleSet.get(ruleSet) ?? []) {
      const policy = this.#installed.get(key);
      if (policy !== undefined) {
        this.#addHits(policy, sums);
      }
    }
    return Array.from(sums, (hits) => hits ?? 0);
  }

  #tryInstall(key: string, source: string, install: () => InstalledPolicy): void {
    try {
      this.#installed.set(key, { ...install(), source });
    } catch (error) {
      this.#failures.set(key, error);
    }
  }

  /** Puts the automatically tracked remotes into a slot (0: there are none); undefined where they are as they were. */
  #installRemotes(entries: readonly PrefixEntry[]): Remotes | undefined {
    if (this.#remotes !== undefined) {
      const { put, remove } = diffEntries(this.#remotes.entries, entries);
      if (put.length === 0 && remove.length === 0) return undefined;
    }
    return { slot: entries.length === 0 ? 0 : this.#slots.installPrefixes(entries), entries };
  }

  #useRemotes(remotes: Remotes): void {
    this.#datapath.configuration.setU32("tracking_slot", remotes.slot);
    if (this.#remotes !== undefined && this.#remotes.slot !== 0) this.#staleRemotes.push(this.#remotes.slot);
    this.#remotes = remotes;
  }

  /** Keeps what a policy counted, while its rules are still the rule set's. */
  #carry(key: string, policy: InstalledPolicy): void {
    const ruleSet = [...this.#policiesOfRuleSet].find(([, keys]) => keys.includes(key))?.[0];
    if (ruleSet !== undefined) {
      const sums = this.#carriedHits.get(ruleSet) ?? [];
      this.#addHits(policy, sums);
      this.#carriedHits.set(ruleSet, sums);
    }
  }

  #addHits(policy: InstalledPolicy, sums: number[]): void {
    const map = this.#datapath.map("rule_hits");
    for (const { direction, family, rules } of policy.tables) {
      const first = policy.tableHits[tableIndex(direction, family)] ?? 0;
      map.lookupRange(first, rules.length).forEach((values, index) => {
        const source = rules[index]?.source;
        if (source !== undefined) sums[source] = (sums[source] ?? 0) + sumCpus(values, map.valueSize, 0);
      });
    }
  }
}
