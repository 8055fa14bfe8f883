import type { OperatorConfig } from "../config.ts";
import type { AclObject, GroupObject, PrefixListObject, Snapshot } from "../snapshot.ts";
import { countRules, type GroupRules, literalRules, overQuota, type RuleCounts } from "./rules.ts";

/** Why an object is not in force. `message` names the field, the value and the remedy. */
export interface Refusal {
  readonly reason: "Invalid" | "QuotaExceeded" | "NotTheOldest";
  readonly message: string;
}

/** A group with what it comes to. */
export interface JudgedGroup extends GroupRules {
  readonly group: GroupObject;
  readonly counts: RuleCounts;
  /** Set: endpoints with the group keep their last good policy, else are closed (S-75). */
  readonly refusal?: Refusal;
}

/** The network ACL of a namespace with what it comes to. */
export interface JudgedAcl {
  readonly acl: AclObject;
  readonly refusal?: Refusal;
}

function refuseGroup(group: GroupObject, counts: RuleCounts, most: number): Refusal | undefined {
  if (group.spec === undefined) return { reason: "Invalid", message: group.problems.join("\n") };
  const over = overQuota(counts, most);
  if (over.length === 0) return undefined;
  const message = `has ${over.join(" and ")}, the quota is ${most}; remove rules, split the group or raise quotas.rulesPerGroup (S-15)`;
  return { reason: "QuotaExceeded", message };
}

/** Judges every group, by key. */
export function judgeGroups(
  snapshot: Snapshot,
  lists: ReadonlyMap<string, PrefixListObject>,
  { quotas }: OperatorConfig,
): ReadonlyMap<string, JudgedGroup> {
  const judge = (group: GroupObject): JudgedGroup => {
    const literal = literalRules(group);
    const counts = countRules(literal.rules, lists);
    const refusal = refuseGroup(group, counts, quotas.rulesPerGroup);
    return { group, ...literal, counts, ...(refusal ? { refusal } : {}) };
  };
  return new Map(snapshot.groups.map((group) => [group.key, judge(group)]));
}

function refuseAcl({ spec, problems }: AclObject, most: number): Refusal | undefined {
  if (spec === undefined) return { reason: "Invalid", message: problems.join("\n") };
  const over = (["inbound", "outbound"] as const).filter((list) => spec[list].length > most);
  if (over.length === 0) return undefined;
  const counts = over.map((list) => `spec.${list} has ${spec[list].length} rules`).join(" and ");
  return {
    reason: "QuotaExceeded",
    message: `${counts}, the quota is ${most}; remove rules or raise quotas.aclRules (S-86)`,
  };
}

const olderFirst = (a: AclObject, b: AclObject): number =>
  a.createdAt !== b.createdAt ? (a.createdAt < b.createdAt ? -1 : 1) : a.ref.name < b.ref.name ? -1 : 1;

/** Judges every network ACL, by uid. A namespace has one: the oldest, ties by name; the others are refused. */
export function judgeAcls(snapshot: Snapshot, { quotas }: OperatorConfig): ReadonlyMap<string, JudgedAcl> {
  const oldest = new Map<string, AclObject>();
  const judged = new Map<string, JudgedAcl>();
  for (const acl of [...snapshot.acls].sort(olderFirst)) {
    const inForce = oldest.get(acl.namespace);
    if (inForce === undefined) oldest.set(acl.namespace, acl);
    const refusal = inForce === undefined ? refuseAcl(acl, quotas.aclRules) : notTheOldest(acl, inForce);
    judged.set(acl.uid, { acl, ...(refusal ? { refusal } : {}) });
  }
  return judged;
}

const notTheOldest = (acl: AclObject, inForce: AclObject): Refusal => ({
  reason: "NotTheOldest",
  message: `namespace ${acl.namespace} has the older NetworkACL ${inForce.ref.name} already, which stays in force; delete one of the two`,
});

/** The ACL that each namespace has, refused ones but for `NotTheOldest` included. */
export function aclsByNamespace(judged: ReadonlyMap<string, JudgedAcl>): ReadonlyMap<string, JudgedAcl> {
  const inForce = [...judged.values()].filter(({ refusal }) => refusal?.reason !== "NotTheOldest");
  return new Map(inForce.map((entry) => [entry.acl.namespace, entry]));
}
