import type { GroupKey } from "../../semantics/policy.ts";
import { describeRef } from "../ports.ts";
import type { GroupObject, PrefixListObject, Snapshot, UserObject } from "../snapshot.ts";
import type { Policies } from "./policies.ts";
import { trackingPolicyOf } from "./tracking.ts";

/** What may hold groups and prefix lists. */
export interface HoldingSources extends Pick<Snapshot, "trackingPolicies"> {
  /** Groups to be deleted, all of them: of those that refer to each other all go or none. */
  readonly leaving: readonly GroupObject[];
  readonly prefixLists: readonly PrefixListObject[];
  /** Where the pods are that may have these groups. */
  readonly homes: Iterable<Pick<Policies, "attachments" | "decisions" | "ruleSets">>;
  /** Where the rules are that may refer to these groups and lists. */
  readonly referrers: Iterable<Pick<Policies, "groups" | "ruleSets">>;
}

/** What holds one group or prefix list (S-19). */
interface Holders {
  /** Endpoints to which a group is attached, as `namespace/name`. */
  readonly pods: Set<string>;
  /** Groups whose rules refer to it. */
  readonly groups: Set<GroupKey>;
  /** A tracking path refers to it. */
  trackingPolicy: boolean;
}

/** Whether an object that is to be deleted may go, and who holds it. */
export interface Holding {
  /** `Pod default/web`, `SecurityGroup default/db`; in order. */
  readonly by: readonly string[];
  /** Deletion was asked for and nothing that stays holds the object, or it is forced. */
  readonly released: boolean;
}

type Table = Map<string, Holders>;

type Iterated<T> = T extends Iterable<infer Item> ? Item : never;

function entry(table: Table, key: string): Holders {
  const found = table.get(key) ?? { pods: new Set(), groups: new Set(), trackingPolicy: false };
  table.set(key, found);
  return found;
}

const listKey = (name: string): string => `list ${name}`;

function addPods(table: Table, leaving: ReadonlySet<GroupKey>, home: Iterated<HoldingSources["homes"]>): void {
  const { attachments, decisions } = home;
  const ruleSets = new Map(home.ruleSets.map((ruleSet) => [ruleSet.name, ruleSet]));
  for (const [uid, { pod, groups }] of attachments) {
    // An endpoint that keeps its last good policy still has the groups of that one.
    const kept = ruleSets.get(decisions.get(uid)?.filters.ruleSet ?? "")?.groups ?? [];
    for (const key of [...groups.map((group) => group.key), ...kept])
      if (leaving.has(key)) entry(table, key).pods.add(`${pod.namespace}/${pod.name}`);
  }
}

function addReferences(table: Table, { groups, ruleSets }: Iterated<HoldingSources["referrers"]>): void {
  for (const { rules } of [...groups.values(), ...ruleSets])
    for (const { peer, origin } of rules) {
      if ("group" in peer && peer.group !== origin.group) entry(table, peer.group).groups.add(origin.group);
      if ("prefixList" in peer) entry(table, listKey(peer.prefixList)).groups.add(origin.group);
    }
}

function addPaths(table: Table, sources: HoldingSources): void {
  for (const path of trackingPolicyOf(sources)?.spec?.paths ?? [])
    for (const name of path.prefixLists) entry(table, listKey(name)).trackingPolicy = true;
}

const allIn = <T>(some: ReadonlySet<T>, all: ReadonlySet<T>): boolean => [...some].every((one) => all.has(one));

/** Groups that go: of those that refer to each other, all or none. */
function releasedGroups(table: Table, leaving: HoldingSources["leaving"]): ReadonlySet<GroupKey> {
  const released = new Set(
    leaving.filter(({ key, forced }) => forced || entry(table, key).pods.size === 0).map(({ key }) => key),
  );
  const forced = new Set(leaving.filter((group) => group.forced).map(({ key }) => key));
  const isHeld = (key: GroupKey) => !forced.has(key) && !allIn(entry(table, key).groups, released);
  for (let held = [...released].filter(isHeld); held.length > 0; held = [...released].filter(isHeld))
    for (const key of held) released.delete(key);
  return released;
}

function names({ pods, groups, trackingPolicy }: Holders): readonly string[] {
  return [
    ...[...pods].sort().map((pod) => `Pod ${pod}`),
    ...[...groups].sort().map((group) => `SecurityGroup ${group}`),
    ...(trackingPolicy ? ["TrackingPolicy default"] : []),
  ];
}

/** What holds each group that is to be deleted, and each prefix list, by `Kind namespace/name`. */
export function resolveHoldings(sources: HoldingSources): ReadonlyMap<string, Holding> {
  const { leaving, prefixLists, homes, referrers } = sources;
  const table: Table = new Map();
  const keys = new Set(leaving.map(({ key }) => key));
  if (keys.size > 0) for (const home of homes) addPods(table, keys, home);
  for (const referrer of referrers) addReferences(table, referrer);
  addPaths(table, sources);
  const released = releasedGroups(table, leaving);
  const holding = ({ ref }: UserObject<unknown>, key: string, goes: boolean): [string, Holding] => [
    describeRef(ref),
    { by: names(entry(table, key)), released: goes },
  ];
  return new Map([
    ...leaving.map((group) => holding(group, group.key, released.has(group.key))),
    ...prefixLists.map((list) => {
      const { groups, trackingPolicy } = entry(table, listKey(list.ref.name));
      const free = list.forced || (!trackingPolicy && allIn(groups, released));
      return holding(list, listKey(list.ref.name), list.deleting && free);
    }),
  ]);
}

/** What may hold the groups and prefix lists of a whole cluster. */
export function holdingSources(resolution: Policies & { readonly snapshot: Snapshot }): HoldingSources {
  const { groups, prefixLists, trackingPolicies } = resolution.snapshot;
  const leaving = groups.filter(({ deleting }) => deleting);
  return { leaving, prefixLists, trackingPolicies, homes: [resolution], referrers: [resolution] };
}
