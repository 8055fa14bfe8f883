import type { GroupKey, Peer, Rule, RuleSet } from "../../semantics/policy.ts";
import { nameOf, revisionOf } from "./hash.ts";
import type { JudgedGroup } from "./judgement.ts";

/** Names by the list of groups: many endpoints share one list. */
const knownNames = new WeakMap<readonly JudgedGroup[], string>();

/** Name of the rule set of a combination of groups. */
export function ruleSetName(groups: readonly JudgedGroup[]): string {
  const uids = () => groups.map(({ group }) => group.uid);
  const name = knownNames.get(groups) ?? nameOf("groups", uids());
  knownNames.set(groups, name);
  return name;
}

/** The union of the groups' rules (S-2), in an order that does not depend on how the groups are listed. */
export function compileRuleSet(groups: readonly JudgedGroup[]): RuleSet {
  const sorted = [...groups].sort((a, b) => (a.group.key < b.group.key ? -1 : 1));
  const keys = sorted.map(({ group }) => group.key);
  const rules = sorted.flatMap((group): readonly Rule[] => group.rules);
  return { name: ruleSetName(groups), revision: revisionOf({ groups: keys, rules }), groups: keys, rules };
}

/**
 * The rule set of this name as it is now. One whose groups are gone, others by now or refused stays as it was, for
 * the endpoints that keep it as their last good policy (S-75).
 */
export function currentRuleSet(
  name: string,
  combinations: ReadonlyMap<string, readonly JudgedGroup[]>,
  existing: RuleSet | undefined,
  judged: ReadonlyMap<GroupKey | string, JudgedGroup>,
): RuleSet | undefined {
  const combination = combinations.get(name);
  if (combination) return compileRuleSet(combination);
  const groups = (existing?.groups ?? []).map((key) => judged.get(key)).filter((group) => group !== undefined);
  const whole = groups.length === existing?.groups.length && ruleSetName(groups) === name;
  return whole && groups.every(({ refusal }) => refusal === undefined) ? compileRuleSet(groups) : existing;
}

/** Tells whether something is named. */
export type Named<Name> = Pick<ReadonlySet<Name>, "has">;

/** What rules refer to by name. */
export interface References {
  readonly groups: ReadonlySet<GroupKey>;
  readonly prefixLists: ReadonlySet<string>;
}

/** The groups and prefix lists that peers name. */
export function referencesOf(peers: Iterable<Peer>): References {
  const groups = new Set<GroupKey>();
  const prefixLists = new Set<string>();
  for (const peer of peers) {
    if ("group" in peer) groups.add(peer.group);
    else if ("prefixList" in peer) prefixLists.add(peer.prefixList);
  }
  return { groups, prefixLists };
}
