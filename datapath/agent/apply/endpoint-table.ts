import type { Address } from "../../../semantics/policy.ts";
import { constants } from "../abi.generated.ts";
import { attachEndpoint, detachInterface } from "../attach.ts";
import { u32Bytes } from "../bytes.ts";
import { stateTimeouts, ticksOf } from "../clock.ts";
import type { EndpointPlan } from "../compile/node.ts";
import { compileRates } from "../compile/rates.ts";
import type { EndpointAttachment, PodSide } from "../control.ts";
import type { Datapath } from "../datapath.ts";
import { Migration } from "../upgrade/migration.ts";
import { type EndpointView, type PolicyWord, readPolicy, uidBytes } from "./endpoints.ts";

interface Known {
  readonly index: number;
  readonly ifindex: number;
  readonly counters: number;
  /** The pod runs or ran without a group, so that its next group adopts its connections (S-40a). */
  unfiltered: boolean;
  /** Revision of the rules that adoption began under; undefined: no adoption. */
  adoptedUnder: string | undefined;
  attached: boolean;
  podSide: PodSide | undefined;
  addresses: readonly Address[];
}

const nothing: PolicyWord = { rules: 0, acl: 0, flags: 0 };

function hasGroup(word: PolicyWord): boolean {
  return (word.flags & constants.POLICY_GROUP) !== 0;
}

function samePodSide(a: PodSide | undefined, b: PodSide | undefined): boolean {
  return a?.netns === b?.netns && a?.ifindex === b?.ifindex;
}

/** The node's endpoints: which pod has which slot of `endpoints`, and what is attached where. */
export class EndpointTable {
  readonly #datapath: Datapath;
  readonly #attach: boolean;
  readonly #known = new Map<string, Known>();
  /** Slots of a former agent, by `uidBytes` in hexadecimal. */
  readonly #inherited = new Map<string, number>();
  readonly #migration: Migration;
  #orphans = false;

  constructor(datapath: Datapath, attach: boolean) {
    this.#datapath = datapath;
    this.#migration = new Migration(datapath);
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
    const known = this.#claim(plan, word);
    const { endpoints, rates, clock, bucketTicks } = this.#datapath;
    const view = this.view(known.index);
    if (policy !== undefined) {
      view.setU32("conntrack_max", policy.allowances.conntrackMax);
      stateTimeouts(clock, policy.allowances.timeouts).forEach((ticks, state) => {
        view.setU32("timeouts", ticks, state);
      });
      rates.set(known.counters, compileRates(policy.allowances, bucketTicks));
    }
    const removed = endpoints.setAddresses(known.index, attachment.addresses);
    this.#orphans ||= removed;
    const adopts = this.#adopts(known, plan, word);
    endpoints.setPolicy(known.index, { ...word, flags: word.flags | (adopts ? constants.POLICY_ADOPT : 0) });
    // A group's entries do not outlive it, nor an address's the address; being closed is neither (S-54).
    this.#orphans ||= plan.closed === undefined && !hasGroup(word) && view.u32("used") > 0;
    known.addresses = attachment.addresses;
  }

  /** Gives an endpoint's interface these programs, in the place of a former agent's where there are some. */
  attach(uid: string): void {
    const known = this.#known.get(uid);
    if (known === undefined || known.attached) return;
    if (this.#migration.isDue) this.#migration.importCounters({ uid, ...known });
    const { ifindex, podSide, index } = known;
    if (this.#attach) attachEndpoint(this.#datapath, { ifindex, podSide, id: this.view(index).u32("id") });
    known.attached = true;
  }

  /** Takes over the flows that a former agent's maps of another layout hold. */
  importFlows(): void {
    if (this.#migration.isDue) this.#migration.importFlows([...this.#known].map(([uid, known]) => ({ uid, ...known })));
  }

  /** After all are attached: takes over what came last, and lets the former maps go. */
  finishMigration(): void {
    this.importFlows();
    this.#migration.finish();
  }

  /** Drops everything of an endpoint until it is programmed. */
  close(uid: string): void {
    const known = this.#known.get(uid);
    if (known !== undefined) {
      this.#datapath.endpoints.setPolicy(known.index, nothing);
    }
  }

  /**
   * Closes and detaches the endpoints that are not among these attachments, also those of a pod that has another
   * interface by now. An interface number that came back with another pod stays attached: closed, until that pod is
   * programmed. Returns the slots, to be freed after a grace period.
   */
  closeGone(attachments: readonly EndpointAttachment[]): readonly number[] {
    const wanted = new Map(attachments.map(({ uid, ifindex }) => [uidBytes(uid).toString("hex"), ifindex]));
    const ifindexes = new Set(wanted.values());
    const gone = [...this.#datapath.endpoints.used()].filter((index) => {
      const view = this.view(index);
      return wanted.get(Buffer.from(view.window("uid", 32)).toString("hex")) !== view.u32("ifindex");
    });
    for (const index of gone) {
      const ifindex = this.view(index).u32("ifindex");
      this.#datapath.endpoints.setPolicy(index, { ...nothing, flags: constants.POLICY_GONE });
      if (this.#attach && !ifindexes.has(ifindex)) detachInterface(this.#datapath, ifindex);
    }
    return gone;
  }

  /**
   * Frees slots that no packet reads any more. Entries of theirs go by the endpoint's id, which is not given again, and
   * are swept like all that are dead.
   */
  free(slots: readonly number[]): void {
    for (const index of slots) this.#datapath.endpoints.free(index);
    for (const [uid, { index }] of this.#known) if (slots.includes(index)) this.#known.delete(uid);
    for (const [uid, index] of this.#inherited) if (slots.includes(index)) this.#inherited.delete(uid);
    this.#orphans ||= slots.length > 0;
  }

  /** Whether entries are left over that no endpoint may use. */
  hasOrphans(): boolean {
    return this.#orphans;
  }

  /** After a sweep: none are left over. */
  forgetOrphans(): void {
    this.#orphans = false;
  }

  #claim({ attachment, rulesRevision }: EndpointPlan, wanted: PolicyWord): Known {
    const { uid, ifindex, podSide } = attachment;
    const known = this.#known.get(uid);
    if (known !== undefined && known.ifindex === ifindex) {
      known.attached &&= samePodSide(known.podSide, podSide);
      known.podSide = podSide;
      return known;
    }
    const inherited = this.#inherited.get(uidBytes(uid).toString("hex"));
    const reuse = inherited !== undefined && this.view(inherited).u32("ifindex") === ifindex;
    const counters = reuse ? this.view(inherited).u32("counters") : this.#freeCounters();
    const index = reuse ? inherited : this.#datapath.endpoints.claim(ifindex, uid, counters);
    const before = reuse ? this.#inForce(index) : this.#before(attachment, index);
    // Adoption ends when the compiled rules change; a slot that was kept holds the same ones.
    const sameRules = !reuse || before.rules === wanted.rules;
    const claimed: Known = {
      index,
      ifindex,
      counters,
      unfiltered: before.unfiltered,
      adoptedUnder: before.adopting && sameRules ? rulesRevision : undefined,
      attached: false,
      podSide,
      addresses: attachment.addresses,
    };
    this.#known.set(uid, claimed);
    return claimed;
  }

  /** What a former agent with these maps left of an endpoint. */
  #inForce(index: number) {
    const word = readPolicy(this.view(index));
    return {
      rules: word.rules,
      unfiltered: (word.flags & constants.POLICY_PROGRAMMED) !== 0 && !hasGroup(word),
      adopting: (word.flags & constants.POLICY_ADOPT) !== 0,
    };
  }

  /** What is known of an endpoint that is new to these maps: from maps of another layout, else from whoever names it. */
  #before({ uid, ifindex, adopt }: EndpointPlan["attachment"], index: number) {
    const former = this.#migration.endpoint(uid);
    if (former?.ifindex !== ifindex) return { rules: 0, unfiltered: adopt, adopting: false };
    const adopting = (former.flags & constants.POLICY_ADOPT) !== 0;
    if (adopting) this.view(index).setU32("adopt_until", former.adoptUntil);
    const unfiltered =
      (former.flags & constants.POLICY_PROGRAMMED) !== 0 && (former.flags & constants.POLICY_GROUP) === 0;
    return { rules: 0, unfiltered, adopting };
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
    if (plan.closed !== undefined) return false;
    if (!hasGroup(word)) {
      known.unfiltered = true;
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
