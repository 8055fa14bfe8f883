import type { GroupKey, RuleSet } from "../../semantics/policy.ts";
import { describeRef, type ObjectRef, refOf, type StoredObject, type UserKind } from "../ports.ts";
import type { Attachment } from "../resolve/attachment.ts";
import type { EndpointDecision } from "../resolve/endpoints.ts";
import { type Holding, resolveHoldings } from "../resolve/holders.ts";
import { trackingPolicyOf } from "../resolve/tracking.ts";
import type { UserObject } from "../snapshot.ts";
import { allowanceProfileStatus, endpointsByProfile } from "../status/allowance-profile.ts";
import { type GroupSources, groupFacts } from "../status/group-facts.ts";
import { endpointsByList } from "../status/list-facts.ts";
import { networkAclStatus } from "../status/network-acl.ts";
import { prefixListStatus } from "../status/prefix-list.ts";
import { configProgressOf, type EndpointProgress, type Progress, progressOf } from "../status/progress.ts";
import { securityGroupStatus } from "../status/security-group.ts";
import { type StatusChange, statusChanges } from "../status/status.ts";
import { trackingPolicyStatus } from "../status/tracking-policy.ts";
import type { HeldResolution } from "./held.ts";
import type { Share } from "./share.ts";
import { namespaceOf } from "./shelf.ts";
import { Standings } from "./standings.ts";

/** Objects that have statuses, as the API has them. */
export type StoredUserObjects = Readonly<Record<UserKind | "NodePolicy", readonly StoredObject[]>>;

/** An object with the status that it should have. */
type Told = readonly [UserObject<unknown>, unknown];

/** How far the endpoints of a namespace are. */
interface Summary {
  /** By pod uid. */
  readonly progress: ReadonlyMap<string, EndpointProgress>;
  /** With their rules, by the name of each prefix list that these refer to. */
  readonly byList: ReadonlyMap<string, readonly Progress[]>;
  /** With their allowances, by the uid of the profile. */
  readonly byProfile: ReadonlyMap<string, readonly Progress[]>;
}

/** Gives objects the statuses that they have now. */
type Recall = <T extends UserObject<unknown>>(object: T) => T | undefined;

/** What all statuses of one pass are told from. */
interface Moment {
  /** By `Kind namespace/name`. */
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly recall: Recall;
  /** RFC 3339. */
  readonly now: string;
}

/**
 * Statuses of what a held resolution has worked out. Those of groups and ACLs are worked out again only in namespaces
 * where what they are told from may be another than before.
 */
export class HeldStatuses {
  readonly #held: HeldResolution;
  readonly #standings = new Standings();
  readonly #summaries = new Map<string, Summary>();
  /** Groups and ACLs as they were when their statuses were worked out. */
  #known = new Map<string, StoredObject>();

  constructor(held: HeldResolution) {
    this.#held = held;
  }

  /** The statuses that are not as they should be. `now` is RFC 3339. */
  decide(stored: StoredUserObjects, now: string): readonly StatusChange[] {
    const held = this.#held;
    const moved = this.#standings.update(held.compiled.nodePolicies, stored.NodePolicy);
    const { groups } = held.leaving();
    const leaving = groups.map(({ namespace }) => namespace);
    const anew = new Set([...held.takeNews(), ...moved.filters, ...this.#touchedByOthers(stored), ...leaving]);
    for (const namespace of new Set([...anew, ...moved.allowances])) this.#summarise(namespace);
    const holdings = resolveHoldings(held.holdingSources([...held.objects.prefixLists.values()]));
    const moment = { holdings, recall: recalling(stored), now };
    return statusChanges([
      ...[...anew].flatMap((namespace) => this.#namespaceStatuses(namespace, moment)),
      ...this.#defaultGroupStatus(moment),
      ...this.#clusterStatuses(moment),
    ]);
  }

  /** The answer to writing a status: it is no news. */
  told(stored: StoredObject): void {
    const key = describeRef(refOf(stored));
    if (this.#known.has(key)) this.#known.set(key, stored);
  }

  /** Namespaces with groups or ACLs that are other objects than when it was looked last. */
  #touchedByOthers({ SecurityGroup, NetworkACL }: StoredUserObjects): readonly string[] {
    const current = new Map([...SecurityGroup, ...NetworkACL].map((object) => [describeRef(refOf(object)), object]));
    const touched = [...current].filter(([key, object]) => this.#known.get(key) !== object);
    this.#known = current;
    return touched.map(([, { metadata }]) => metadata.namespace ?? "");
  }

  #summarise(namespace: string): void {
    const share = this.#held.shares.get(namespace);
    if (share === undefined) {
      this.#summaries.delete(namespace);
      return;
    }
    const { revisions } = this.#held.compiled;
    const progress = new Map(
      [...share.endpoints].map(([uid, { node, policy }]): [string, EndpointProgress] => [
        uid,
        progressOf(policy, this.#standings.of(node), revisions, share.decisions.get(uid)?.refused),
      ]),
    );
    const byList = endpointsByList(share, progress);
    this.#summaries.set(namespace, { progress, byList, byProfile: endpointsByProfile(share.profiles, progress) });
  }

  #namespaceStatuses(namespace: string, { holdings, recall, now }: Moment): readonly Told[] {
    const share = this.#held.shares.get(namespace);
    if (share === undefined) return [];
    const { progress } = this.#summaries.get(namespace) ?? { progress: new Map() };
    const facts = groupFacts(this.#groupSources(namespace, share), progress, holdings);
    const { config } = this.#held;
    const told: Told[] = [];
    for (const judged of share.groups.values()) {
      const group = judged.group.key === config.defaultGroup ? undefined : recall(judged.group);
      if (group !== undefined) told.push([group, securityGroupStatus({ ...judged, group }, facts, now)]);
    }
    const sources = { config, decisions: share.decisions };
    for (const judged of share.acls.values()) {
      const acl = recall(judged.acl);
      if (acl !== undefined) told.push([acl, networkAclStatus({ ...judged, acl }, sources, progress, now)]);
    }
    return told;
  }

  #groupSources(namespace: string, share: Pick<Share, "attachments" | "decisions" | "ruleSets">): GroupSources {
    const { config, objects } = this.#held;
    const groups = objects.of("SecurityGroup");
    return {
      config,
      snapshot: objects.snapshotOf(namespace),
      prefixLists: objects.prefixLists,
      groups: { has: (key) => groups.get(key) !== undefined },
      attachments: share.attachments,
      decisions: share.decisions,
      ruleSets: share.ruleSets,
    };
  }

  /** The default group is attached to pods of any namespace. */
  #defaultGroupStatus({ holdings, recall, now }: Moment): readonly Told[] {
    const key = this.#held.config.defaultGroup;
    const home = namespaceOf(key ?? "");
    const judged = this.#held.shares.get(home)?.groups.get(key ?? "");
    const group = judged === undefined ? undefined : recall(judged.group);
    if (key === null || judged === undefined || group === undefined) return [];
    const { progress, ...sources } = this.#membersOf(key);
    const facts = groupFacts(this.#groupSources(home, sources), progress, holdings);
    return [[group, securityGroupStatus({ ...judged, group }, facts, now)]];
  }

  /** What was worked out about the pods of all namespaces that have a group. */
  #membersOf(key: GroupKey) {
    const ruleSets = new Map<string, RuleSet>();
    const attachments = new Map<string, Attachment>();
    const decisions = new Map<string, EndpointDecision>();
    const progress = new Map<string, EndpointProgress>();
    for (const [namespace, share] of this.#held.shares) {
      const summary = this.#summaries.get(namespace);
      for (const ruleSet of share.ruleSets) if (ruleSet.groups.includes(key)) ruleSets.set(ruleSet.name, ruleSet);
      for (const [uid, attachment] of share.attachments) {
        if (!attachment.groups.some((group) => group.key === key)) continue;
        attachments.set(uid, attachment);
        copyEntry(uid, share.decisions, decisions);
        copyEntry(uid, summary?.progress, progress);
      }
    }
    return { ruleSets: [...ruleSets.values()], attachments, decisions, progress };
  }

  #clusterStatuses({ holdings, recall, now }: Moment): readonly Told[] {
    const { objects, compiled } = this.#held;
    const trackingPolicies = objects.of("TrackingPolicy").within("");
    const nodes = [...compiled.nodePolicies.keys()].map((node) =>
      configProgressOf(node, this.#standings.of(node).report, compiled.config),
    );
    const paths = trackingPolicyOf({ trackingPolicies })?.spec?.paths ?? [];
    const tracked = new Set(paths.flatMap(({ prefixLists }) => prefixLists));
    const summaries = [...this.#summaries.values()];
    const endpoints = joined(summaries.map(({ byList }) => byList));
    const profiles = joined(summaries.map(({ byProfile }) => byProfile));
    const lists = { holdings, endpoints, tracked, nodes };
    const tell = <T extends UserObject<unknown>>(all: Iterable<T>, statusOf: (one: T) => unknown): readonly Told[] =>
      [...all].map(recall).flatMap((one) => (one === undefined ? [] : [[one, statusOf(one)] as const]));
    return [
      ...tell(objects.prefixLists.values(), (list) => prefixListStatus(list, lists, now)),
      ...tell(objects.of("AllowanceProfile").within(""), (profile) =>
        allowanceProfileStatus(profile, profiles.get(profile.uid) ?? [], now),
      ),
      ...tell(trackingPolicies, (policy) => trackingPolicyStatus(policy, objects.prefixLists, nodes, now)),
    ];
  }
}

function copyEntry<T>(key: string, from: ReadonlyMap<string, T> | undefined, to: Map<string, T>): void {
  const found = from?.get(key);
  if (found !== undefined) to.set(key, found);
}

/** An object that is gone, or another of this name by now, has no status of its own to be given. */
function recalling(stored: StoredUserObjects): Recall {
  const kinds = ["SecurityGroup", "NetworkACL", "PrefixList", "AllowanceProfile", "TrackingPolicy"] as const;
  const byRef = new Map(kinds.flatMap((kind) => stored[kind]).map((object) => [describeRef(refOf(object)), object]));
  return <T extends { readonly ref: ObjectRef; readonly uid: string }>(object: T) => {
    const found = byRef.get(describeRef(object.ref));
    return found?.metadata.uid === object.uid ? { ...object, status: found.status } : undefined;
  };
}

/** The lists of several tables, joined by key. */
function joined<T>(tables: readonly ReadonlyMap<string, readonly T[]>[]): ReadonlyMap<string, readonly T[]> {
  const lists = Map.groupBy(
    tables.flatMap((table) => [...table]),
    ([key]) => key,
  );
  return new Map([...lists].map(([key, parts]) => [key, parts.flatMap(([, list]) => list)]));
}
