import type { AclSet, AddressSet, NodePolicy, RuleSet } from "../../semantics/policy.ts";
import type { Attachment } from "../resolve/attachment.ts";
import type { EndpointDecision } from "../resolve/endpoints.ts";
import type { CompiledObjects, Resolution } from "../resolve/resolution.ts";
import type { EndpointSliceFacts, ProfileObject, Snapshot, UserObject } from "../snapshot.ts";
import { isOf, type Part } from "./part.ts";
import { PodIndex } from "./pod-index.ts";

const byName = <T extends { readonly name: string }>(objects: readonly T[]): Map<string, T> =>
  new Map(objects.map((object) => [object.name, object]));

const inOrder = <T>(objects: ReadonlyMap<string, T>): readonly T[] =>
  [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);

/** Gives an object the status that it has now. */
function withStatuses(now: Snapshot) {
  const all = [now.groups, now.acls, now.prefixLists, now.profiles, now.trackingPolicies].flat<
    readonly (readonly UserObject<unknown>[])[]
  >();
  const statuses = new Map(all.map(({ uid, status }) => [uid, status]));
  return <T extends UserObject<unknown>>(object: T): T => ({ ...object, status: statuses.get(object.uid) });
}

/**
 * Whether a slice lists a pod of another namespace, or a pod by its address alone, which may be one of another
 * namespace tomorrow. Kubernetes' own controller writes neither.
 */
export function entangles(slices: Iterable<EndpointSliceFacts>, pods: PodIndex): boolean {
  for (const { namespace, backends } of slices)
    for (const { uid, addresses } of backends) {
      if (uid === undefined && addresses.some((address) => pods.isClaimed(address))) return true;
      if (uid !== undefined && (pods.homeOf(uid) ?? namespace) !== namespace) return true;
    }
  return false;
}

/** What was worked out last, held so that a part of it can be exchanged. */
export class HeldResolution {
  readonly base: Resolution;
  readonly pods: PodIndex;
  /** By `namespace/name`. */
  readonly slices: Map<string, EndpointSliceFacts>;
  /** Some EndpointSlice reaches into another namespace: then no part of the cluster stands alone. */
  readonly entangled: boolean;
  readonly #ruleSets: Map<string, RuleSet>;
  readonly #acls: Map<string, AclSet>;
  readonly #addressSets: Map<string, AddressSet>;
  readonly #nodePolicies: Map<string, NodePolicy>;
  readonly #attachments: Map<string, Attachment>;
  readonly #decisions: Map<string, EndpointDecision>;
  readonly #profiles: Map<string, ProfileObject>;
  /** Uids of the pods of each namespace that can have groups. */
  readonly #uids = new Map<string, Set<string>>();

  constructor(base: Resolution, slices: Map<string, EndpointSliceFacts>) {
    this.base = base;
    this.slices = slices;
    this.pods = new PodIndex(base.snapshot.pods);
    this.entangled = entangles(slices.values(), this.pods);
    this.#ruleSets = byName(base.compiled.ruleSets);
    this.#acls = byName(base.compiled.acls);
    this.#addressSets = byName(base.compiled.addressSets);
    this.#nodePolicies = new Map(base.compiled.nodePolicies.map((policy) => [policy.node, policy]));
    this.#attachments = new Map(base.attachments);
    this.#decisions = new Map(base.decisions);
    this.#profiles = new Map(base.profiles);
    for (const [uid, { pod }] of this.#attachments) this.#uidsOf(pod.namespace).add(uid);
  }

  /** The snapshot with the EndpointSlices as they are now; its pods are those of the last full round. */
  snapshot(): Snapshot {
    return { ...this.base.snapshot, endpointSlices: [...this.slices.values()] };
  }

  /** The compiled objects of a part, as they were last worked out. */
  compiledOf({ namespaces, nodes }: Part, services: ReadonlySet<string>): CompiledObjects {
    const decisions = [...this.#decisionsOf(namespaces)];
    const names = new Set(decisions.map(({ filters }) => filters.ruleSet).filter((name) => name !== undefined));
    return {
      config: this.base.compiled.config,
      ruleSets: [...names].map((name) => this.#ruleSets.get(name)).filter((ruleSet) => ruleSet !== undefined),
      acls: [...this.#acls.values()].filter(({ namespace }) => namespaces.has(namespace)),
      addressSets: [...this.#addressSets.values()].filter((set) => isOf(set, namespaces, services)),
      nodePolicies: [...nodes].map((node) => this.#nodePolicies.get(node)).filter((policy) => policy !== undefined),
    };
  }

  /** Whether some endpoint of these namespaces keeps an older policy or is closed (S-75). */
  hasRefused(namespaces: ReadonlySet<string>): boolean {
    return [...this.#decisionsOf(namespaces)].some(({ refused }) => refused !== undefined);
  }

  /** Takes the new for the old. `part` is the resolution of a part, `before` and `after` what is exchanged. */
  exchange(part: Resolution, namespaces: ReadonlySet<string>, before: CompiledObjects, after: CompiledObjects): void {
    for (const { name } of before.ruleSets) this.#ruleSets.delete(name);
    for (const { name } of before.acls) this.#acls.delete(name);
    for (const { name } of before.addressSets) this.#addressSets.delete(name);
    for (const { node } of before.nodePolicies) this.#nodePolicies.delete(node);
    for (const ruleSet of after.ruleSets) this.#ruleSets.set(ruleSet.name, ruleSet);
    for (const acl of after.acls) this.#acls.set(acl.name, acl);
    for (const set of after.addressSets) this.#addressSets.set(set.name, set);
    for (const policy of after.nodePolicies) this.#nodePolicies.set(policy.node, policy);
    for (const namespace of namespaces) this.#exchangeEndpoints(part, namespace);
  }

  /**
   * Everything as it is now. `now` is a snapshot that is as new: its reports and compiled objects count, and the
   * statuses of user objects; what these say besides is what was worked out from, until a full round takes it up.
   */
  resolution(now: Snapshot): Resolution {
    const { groups, acls } = this.base;
    const { prefixLists, profiles, trackingPolicies } = this.base.snapshot;
    const told = withStatuses(now);
    const judgedGroups = new Map([...groups].map(([key, judged]) => [key, { ...judged, group: told(judged.group) }]));
    const judgedAcls = new Map([...acls].map(([uid, judged]) => [uid, { ...judged, acl: told(judged.acl) }]));
    const lists = prefixLists.map(told);
    const toldProfiles = new Map(profiles.map((profile) => [profile, told(profile)]));
    return {
      ...this.base,
      snapshot: {
        ...now,
        groups: [...judgedGroups.values()].map(({ group }) => group),
        acls: [...judgedAcls.values()].map(({ acl }) => acl),
        prefixLists: lists,
        profiles: [...toldProfiles.values()],
        trackingPolicies: trackingPolicies.map(told),
      },
      groups: judgedGroups,
      acls: judgedAcls,
      prefixLists: new Map(lists.map((list) => [list.ref.name, list])),
      compiled: {
        config: this.base.compiled.config,
        ruleSets: inOrder(this.#ruleSets),
        acls: inOrder(this.#acls),
        addressSets: inOrder(this.#addressSets),
        nodePolicies: inOrder(this.#nodePolicies),
      },
      attachments: this.#attachments,
      decisions: this.#decisions,
      profiles: new Map([...this.#profiles].map(([uid, profile]) => [uid, toldProfiles.get(profile) ?? profile])),
    };
  }

  #exchangeEndpoints({ attachments, decisions, profiles }: Resolution, namespace: string): void {
    const uids = this.#uidsOf(namespace);
    for (const uid of uids) for (const map of [this.#attachments, this.#decisions, this.#profiles]) map.delete(uid);
    uids.clear();
    for (const [uid, attachment] of attachments) {
      if (attachment.pod.namespace !== namespace) continue;
      uids.add(uid);
      this.#attachments.set(uid, attachment);
      const decision = decisions.get(uid);
      if (decision !== undefined) this.#decisions.set(uid, decision);
      const profile = profiles.get(uid);
      if (profile !== undefined) this.#profiles.set(uid, profile);
    }
  }

  *#decisionsOf(namespaces: ReadonlySet<string>): Generator<EndpointDecision> {
    for (const namespace of namespaces)
      for (const uid of this.#uidsOf(namespace)) {
        const decision = this.#decisions.get(uid);
        if (decision !== undefined) yield decision;
      }
  }

  #uidsOf(namespace: string): Set<string> {
    const found = this.#uids.get(namespace) ?? new Set();
    this.#uids.set(namespace, found);
    return found;
  }
}
