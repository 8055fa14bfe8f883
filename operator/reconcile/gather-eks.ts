import { securityGroupPolicy } from "../eks/security-group-policy.ts";
import type { StoredObject } from "../ports.ts";
import type { PolicyFacts } from "../snapshot.ts";

/** What a SecurityGroupPolicy says; undefined for one that can't be understood. */
export function policyFacts(stored: StoredObject): PolicyFacts | undefined {
  const parsed = securityGroupPolicy.safeParse(stored);
  if (!parsed.success) return undefined;
  const { metadata, spec } = parsed.data;
  const { podSelector, serviceAccountSelector } = spec;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: stored.metadata.uid,
    selectors: { podSelector, serviceAccountSelector },
    groupIds: spec.securityGroups.groupIds,
  };
}
