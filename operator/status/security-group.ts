import type { JudgedGroup } from "../resolve/judgement.ts";
import { placeOf, type RuleCounts } from "../resolve/rules.ts";
import { accepted, notInForce } from "./acceptance.ts";
import { type Condition, type Finding, settle } from "./condition.ts";
import type { GroupFacts } from "./group-facts.ts";
import { programmedOf, summarise } from "./progress.ts";
import { resolved, type StaleReference, staleRules } from "./references.ts";
import { type UntrackedRule, untrackedRules } from "./untracked.ts";
import { groupWarnings, type Warning } from "./warning.ts";

/** Status of a SecurityGroup. */
export interface SecurityGroupStatus {
  readonly conditions: readonly Condition[];
  /** Pods that have the group, also those that wait for a node. */
  readonly attached: number;
  /** Of these, pods at whose endpoints it is in force. */
  readonly programmed: number;
  /** Rules as the quota counts them, and the quota (S-15, S-16). */
  readonly rules: RuleCounts & { readonly quota: number };
  readonly staleRules: readonly StaleReference[];
  /** Rules that repeat others and count once (S-5). */
  readonly duplicateRules: readonly { readonly place: string; readonly first: string }[];
  readonly untrackedRules: readonly UntrackedRule[];
  readonly warnings: readonly Warning[];
}

/** Works out a group's status. `now` is RFC 3339. */
export function securityGroupStatus(judged: JudgedGroup, facts: GroupFacts, now: string): SecurityGroupStatus {
  const { group, refusal, duplicates, counts, rules } = judged;
  const { resolution, progress } = facts;
  const uids = facts.attached.get(group.key) ?? [];
  const endpoints = uids.map((uid) => progress.get(uid)?.filters).filter((one) => one !== undefined);
  const stale = staleRules(rules, resolution);
  const findings: readonly Finding[] = [
    accepted(refusal),
    group.spec === undefined ? notInForce("Resolved") : resolved(stale),
    refusal === undefined ? summarise(endpoints, "endpoint") : notInForce("Programmed"),
  ];
  return {
    conditions: settle(findings, group.generation, group.status, now),
    attached: uids.length,
    programmed: refusal === undefined ? programmedOf(endpoints) : 0,
    rules: { ...counts, quota: resolution.config.quotas.rulesPerGroup },
    staleRules: stale,
    duplicateRules: duplicates.map(({ direction, origin, first }) => ({
      place: placeOf(direction, origin),
      first: placeOf(direction, first),
    })),
    untrackedRules: refusal === undefined ? untrackedRules(judged, resolution) : [],
    warnings: groupWarnings(judged, uids, facts),
  };
}
