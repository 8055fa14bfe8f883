import { constants } from "../abi.generated.ts";
import { attachInterface, detachInterface } from "../attach.ts";
import { u32Bytes } from "../bytes.ts";
import { stateTimeouts, ticksOf } from "../clock.ts";
import type { EndpointPlan } from "../compile/node.ts";
import { compileRates } from "../compile/rates.ts";
import type { Datapath } from "../datapath.ts";
import { type EndpointView, type PolicyWord, readPolicy, uidBytes } from "./endpoints.ts";

interface Known {
  readonly index: number;
  readonly ifindex: number;
  readonly counters: number;
  /** The pod runs or ran without a group, so that its next group adopts its connections (S-40a). */
  unfiltered: boolean;
  /** Revision of the rules that adoption began under; undefined: no adoption. */
  adoptedUnder: string | undefined;
  closed: boolean;
  attached: boolean;
}

const nothing: PolicyWord = { rules: 0, acl: 0, flags: 0 };

function hasGroup(word: PolicyWord): boolean {
  return (word.flags & constants.POLICY_GROUP) !== 0;
}

/** The node's endpoints: which pod has which slot of `endpoints`, and what is attached where. */
export class EndpointTable {
  readonly #datapath: Datapath;
  readonly #attach: boolean;
  readonly #known = new Map<string, Known>();
  /** Slots of a former agent, by the first bytes of the pod's uid. */
  readonly #inherited = new Map<string, number>();
  #orphans = false;

  constructor(datapath: Datapath, attach: boolean) {
    this.#datapath = datapath;
    this.#attach = attach;
    for (const index of datapath.endpoints.used()) {
      this.#inherited.set(Buffer.from(this.view(index).window("uid", 32)).toString("hex"), index);
    }
  }

  view(index: number): EndpointView {
    return this.#datapath.endpoints.at(index);
  }

  indexOf(uid: string): number | undefined {
    return this.#known.get(uid)?.index;
  }

  /** The pod whose endpoint has this id. */
  uidOf(id: number): string | undefined {
    return [...this.#known].find(([, { index }]) => this.view(index).u32("id") === id)?.[0];
  }

  /** Policy slots that endpoints refer to. */
  policiesInForce(): Set<number> {
    const slots = new Set<number>();
    for (const index of this.#datapath.endpoints.used()) {
      const { rules, acl } = readPolicy(this.view(index));
      slots.add(rules).add(acl);
    }
    slots.delete(0);
    return slots;
  }

  /** Brings one endpoint to what is planned; it is closed until its policy is there, and open only by one store. */
  program(plan: EndpointPlan, word: PolicyWord): void {
    const { attachment, policy } = plan;
    const known = this.#claim(plan);
    const { endpoints, rates, clock, bucketTicks } = this.#datapath;
    const view = this.view(known.index);
    if (policy !== undefined) {
      view.setU32("conntrack_max", policy.allowances.conntrackMax);
      stateTimeouts(clock, policy.allowances.timeouts).forEach((ticks, state) => {
        view.setU32("timeouts", ticks, state);
      });
      rates.set(known.counters, compileRates(policy.allowances, bucketTicks));
    }
    if (plan.closed === undefined && endpoints.setAddresses(known.index, attachment.addresses)) {
      this.#orphans = true;
    }
    const before = readPolicy(view);
    const adopts = this.#adopts(known, plan, word);
    endpoints.setPolicy(known.index, { ...word, flags: word.flags | (adopts ? constants.POLICY_ADOPT : 0) });
    // A group's entries do not outlive it, nor an address's the address (S-54).
    this.#orphans ||= hasGroup(before) && !hasGroup(word);
    known.closed = false;
    if (this.#attach && !known.attached) {
      attachInterface(this.#datapath, known.ifindex);
      known.attached = true;
    }
  }

  /** Drops everything of an endpoint until it is programmed. */
  close(uid: string): void {
    const known = this.#known.get(uid);
    if (known !== undefined) {
      this.#datapath.endpoints.setPolicy(known.index, nothing);
    }
  }

  /** Closes and detaches the endpoints of all other pods. Returns whether there were any. */
  closeAllBut(uids: ReadonlySet<string>): boolean {
    const kept = new Set([...uids].map((uid) => this.indexOf(uid)));
    let any = false;
    for (const index of [...this.#datapath.endpoints.used()]) {
      if (kept.has(index)) {
        continue;
      }
      any = true;
      if (this.#attach) {
        detachInterface(this.#datapath, this.view(index).u32("ifindex"));
      }
      this.#datapath.endpoints.setPolicy(index, nothing);
    }
    for (const [uid, known] of this.#known) {
      known.closed = !uids.has(uid);
    }
    return any;
  }

  /** Whether entries are left over that no endpoint may use. */
  hasOrphans(): boolean {
    return this.#orphans;
  }

  /** Frees the slots of closed endpoints, after a grace period and a sweep. */
  freeClosed(): void {
    const kept = new Set([...this.#known.values()].filter(({ closed }) => !closed).map(({ index }) => index));
    for (const index of [...this.#datapath.endpoints.used()]) {
      if (!kept.has(index)) {
        this.#datapath.endpoints.free(index);
      }
    }
    for (const [uid, { closed }] of this.#known) {
      if (closed) {
        this.#known.delete(uid);
      }
    }
    this.#inherited.clear();
    this.#orphans = false;
  }

  #claim({ attachment, policy }: EndpointPlan): Known {
    const { uid, ifindex, adopt } = attachment;
    const known = this.#known.get(uid);
    if (known !== undefined && known.ifindex === ifindex) {
      return known;
    }
    const inherited = this.#inherited.get(uidBytes(uid).toString("hex"));
    const reuse = inherited !== undefined && this.view(inherited).u32("ifindex") === ifindex;
    const counters = reuse ? this.view(inherited).u32("counters") : this.#freeCounters();
    const index = reuse ? inherited : this.#datapath.endpoints.claim(ifindex, uid, counters);
    const word = readPolicy(this.view(index));
    const unfiltered = reuse ? word.flags !== 0 && !hasGroup(word) : adopt;
    const adoptedUnder = (word.flags & constants.POLICY_ADOPT) === 0 ? undefined : (policy?.ruleSet ?? undefined);
    const claimed = { index, ifindex, counters, unfiltered, adoptedUnder, closed: false, attached: false };
    this.#known.set(uid, claimed);
    return claimed;
  }

  #freeCounters(): number {
    const map = this.#datapath.map("endpoint_counters");
    const taken = new Set([...this.#datapath.endpoints.used()].map((index) => this.view(index).u32("counters")));
    for (let counters = 0; counters < map.maxEntries; counters++) {
      if (!taken.has(counters)) {
        map.update(u32Bytes(counters), new Uint8Array(map.valueSize * this.#datapath.bpf.possibleCpus));
        this.#datapath.rates.clear(counters);
        return counters;
      }
    }
    throw new RangeError(`map endpoint_counters has room for ${map.maxEntries} endpoints, no more: raise its size`);
  }

  #adopts(known: Known, plan: EndpointPlan, word: PolicyWord): boolean {
    if (!hasGroup(word)) {
      known.unfiltered = plan.closed === undefined || known.unfiltered;
      known.adoptedUnder = undefined;
      return false;
    }
    if (known.unfiltered) {
      const timeout = plan.policy?.allowances.timeouts.tcpEstablished ?? 0;
      const until = this.#datapath.now() + ticksOf(this.#datapath.clock, timeout);
      this.view(known.index).setU32("adopt_until", until >>> 0);
      known.unfiltered = false;
      known.adoptedUnder = plan.rulesRevision;
    } else if (known.adoptedUnder !== plan.rulesRevision) {
      known.adoptedUnder = undefined;
    }
    return known.adoptedUnder !== undefined;
  }
}
