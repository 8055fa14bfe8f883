import type { Happening } from "../events/decide.ts";
import type { GroupObject, PolicyFacts, Snapshot } from "../snapshot.ts";
import { groupIdAnnotation } from "./security-group-policy.ts";

/** What a policy attaches, and which of its ids no group of its namespace stands for. */
interface PolicyGroups {
  readonly groups: readonly GroupObject[];
  readonly unknown: readonly string[];
}

/** Looks up the ids of policies among these groups. */
export function groupsById(groups: readonly GroupObject[]): (policy: PolicyFacts) => PolicyGroups {
  const annotated = groups.filter(({ ec2Id }) => ec2Id !== undefined);
  const byId = Map.groupBy(annotated, ({ namespace, ec2Id }) => `${namespace}/${ec2Id}`);
  return ({ namespace, groupIds }) => ({
    groups: groupIds.flatMap((id) => byId.get(`${namespace}/${id}`) ?? []),
    unknown: [...new Set(groupIds)].filter((id) => !byId.has(`${namespace}/${id}`)),
  });
}

/** Says of a policy which groups are missing, and what to do. */
export function describeUnknown({ namespace, name }: PolicyFacts, unknown: readonly string[]): string {
  const ids = unknown.map((id) => JSON.stringify(id)).join(", ");
  return `SecurityGroupPolicy ${namespace}/${name}: spec.securityGroups.groupIds: no SecurityGroup of namespace ${namespace} has the annotation ${groupIdAnnotation} with the value ${ids}; annotate one, or remove the id`;
}

/**
 * What is to be said about policies that name groups that do not exist (S-12). Their kind is another project's, so
 * there is no status of ours to say it in.
 */
export function policyHappenings({ groups, policies }: Pick<Snapshot, "groups" | "policies">): readonly Happening[] {
  const lookUp = groupsById(groups);
  return policies.flatMap((policy): readonly Happening[] => {
    const { unknown } = lookUp(policy);
    if (unknown.length === 0) return [];
    const { namespace, name, uid } = policy;
    const ref = { kind: "SecurityGroupPolicy", namespace, name } as const;
    const note = describeUnknown(policy, unknown);
    return [{ ref, uid, type: "Warning", reason: "GroupNotFound", action: "Attach", note }];
  });
}
