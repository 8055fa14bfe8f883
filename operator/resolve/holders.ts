import type { GroupKey } from "../../semantics/policy.ts";
import { describeRef } from "../ports.ts";
import type { UserObject } from "../snapshot.ts";
import type { Resolution } from "./resolution.ts";
import { trackingPolicyOf } from "./tracking.ts";

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

function entry(table: Table, key: string): Holders {
  const found = table.get(key) ?? { pods: new Set(), groups: new Set(), trackingPolicy: false };
  table.set(key, found);
  return found;
}

const listKey = (name: string): string => `list ${name}`;

function addPods(table: Table, { attachments, decisions, compiled }: Resolution): void {
  const ruleSets = new Map(compiled.ruleSets.map((ruleSet) => [ruleSet.name, ruleSet]));
  for (const [uid, { pod, groups }] of attachments) {
    // An endpoint that keeps its last good policy still has the groups of that one.
    const kept = ruleSets.get(decisions.get(uid)?.filters.ruleSet ?? "")?.groups ?? [];
    for (const key of [...groups.map((group) => group.key), ...kept])
      entry(table, key).pods.add(`${pod.namespace}/${pod.name}`);
  }
}

function addReferences(table: Table, { snapshot, groups, compiled }: Resolution): void {
  for (const { rules } of [...groups.values(), ...compiled.ruleSets])
    for (const { peer, origin } of rules) {
      if ("group" in peer && peer.group !== origin.group) entry(table, peer.group).groups.add(origin.group);
      if ("prefixList" in peer) entry(table, listKey(peer.prefixList)).groups.add(origin.group);
    }
  for (const path of trackingPolicyOf(snapshot)?.spec?.paths ?? [])
    for (const name of path.prefixLists) entry(table, listKey(name)).trackingPolicy = true;
}

const allIn = <T>(some: ReadonlySet<T>, all: ReadonlySet<T>): boolean => [...some].every((one) => all.has(one));

/** Groups that go: of those that refer to each other, all or none. */
function releasedGroups(table: Table, { groups }: Resolution): ReadonlySet<GroupKey> {
  const leaving = [...groups.values()].map(({ group }) => group).filter(({ deleting }) => deleting);
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

/** What holds each group and prefix list, by `Kind namespace/name`. */
export function resolveHoldings(resolution: Resolution): ReadonlyMap<string, Holding> {
  const table: Table = new Map();
  addPods(table, resolution);
  addReferences(table, resolution);
  const released = releasedGroups(table, resolution);
  const holding = ({ ref }: UserObject<unknown>, key: string, goes: boolean): [string, Holding] => [
    describeRef(ref),
    { by: names(entry(table, key)), released: goes },
  ];
  return new Map([
    ...resolution.snapshot.groups.map((group) => holding(group, group.key, released.has(group.key))),
    ...resolution.snapshot.prefixLists.map((list) => {
      const { groups, trackingPolicy } = entry(table, listKey(list.ref.name));
      const free = list.forced || (!trackingPolicy && allIn(groups, released));
      return holding(list, listKey(list.ref.name), list.deleting && free);
    }),
  ]);
}
