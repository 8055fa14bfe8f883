import type { EndpointPolicy } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import { cutText } from "../cut.ts";
import type { ExistingObjects, PodFacts } from "../snapshot.ts";
import { aclName } from "./acls.ts";
import type { Attachment } from "./attachment.ts";
import type { JudgedAcl, JudgedGroup } from "./judgement.ts";
import { ruleSetName } from "./rule-sets.ts";
import { overQuota, sumCounts } from "./rules.ts";

/** What filters one endpoint: names of compiled objects, absent where nothing does. */
type EndpointFilters = Pick<EndpointPolicy, "ruleSet" | "acl" | "closed">;

/** An endpoint's filters, and why they are not what its objects say. */
export interface EndpointDecision {
  readonly filters: EndpointFilters;
  /** Set: the last good policy is kept, or the endpoint is closed, for this reason (S-75). */
  readonly refused?: string;
}

/** Longest reason, UTF-16 units: a NodePolicy holds one for each endpoint that is closed. */
const longestReason = 1024;

const wordsOf = (count: number, noun: string): string => `${count} ${noun}`;

function refuseQuotas(attachment: Attachment, groups: readonly JudgedGroup[], config: OperatorConfig) {
  const { groupsPerEndpoint, rulesPerEndpoint } = config.quotas;
  const keys = groups.map(({ group }) => group.key).join(", ");
  if (groups.length > groupsPerEndpoint)
    return `pod ${attachment.pod.namespace}/${attachment.pod.name} has ${wordsOf(groups.length, "groups")} (${keys}), the quota is ${groupsPerEndpoint}; change labels or selectors, or raise quotas.groupsPerEndpoint (S-15)`;
  const over = overQuota(sumCounts(groups.map(({ counts }) => counts)), rulesPerEndpoint);
  if (over.length === 0) return undefined;
  return `the groups ${keys} have ${over.join(" and ")} together, the quota is ${rulesPerEndpoint}; remove rules or groups (S-15)`;
}

/** Why the endpoint's groups and ACL can't be in force; undefined if they can. First reason wins. */
function refusalOf(
  attachment: Attachment,
  groups: readonly JudgedGroup[],
  acl: JudgedAcl | undefined,
  config: OperatorConfig,
): string | undefined {
  if (attachment.missing !== undefined) return attachment.missing;
  const refused = groups.find(({ refusal }) => refusal !== undefined);
  if (refused) return `SecurityGroup ${refused.group.key}: ${refused.refusal?.message}`;
  const quota = refuseQuotas(attachment, groups, config);
  if (quota !== undefined) return quota;
  if (acl?.refusal) return `NetworkACL ${acl.acl.namespace}/${acl.acl.ref.name}: ${acl.refusal.message}`;
  return undefined;
}

/**
 * What the endpoint had, if that can still be enforced and filters whatever must be filtered now: an endpoint that ran
 * without a group is not left open because its first group is invalid.
 */
function lastGood(
  before: EndpointPolicy | undefined,
  needs: { readonly ruleSet: boolean; readonly acl: boolean },
  existing: ExistingObjects,
): EndpointFilters | undefined {
  if (before === undefined || before.closed !== undefined) return undefined;
  const { ruleSet, acl } = before;
  if (needs.ruleSet && ruleSet === undefined) return undefined;
  if (needs.acl && acl === undefined) return undefined;
  if (ruleSet !== undefined && !existing.ruleSets.has(ruleSet)) return undefined;
  if (acl !== undefined && !existing.acls.has(acl)) return undefined;
  return { ...(ruleSet === undefined ? {} : { ruleSet }), ...(acl === undefined ? {} : { acl }) };
}

/** Decides what filters an endpoint (S-2, S-75, S-82). */
export function decideEndpoint(
  attachment: Attachment,
  groups: readonly JudgedGroup[],
  acl: JudgedAcl | undefined,
  before: EndpointPolicy | undefined,
  existing: ExistingObjects,
  config: OperatorConfig,
): EndpointDecision {
  const reason = refusalOf(attachment, groups, acl, config);
  if (reason === undefined) {
    const ruleSet = groups.length > 0 ? { ruleSet: ruleSetName(groups) } : {};
    return { filters: { ...ruleSet, ...(acl ? { acl: aclName(acl.acl) } : {}) } };
  }
  const refused = cutText(reason, longestReason);
  const needs = { ruleSet: groups.length > 0 || attachment.missing !== undefined, acl: acl !== undefined };
  return { filters: lastGood(before, needs, existing) ?? { closed: refused }, refused };
}

/** The endpoint that an existing NodePolicy has for each pod, by uid. */
export function endpointsBefore({ nodePolicies }: ExistingObjects): ReadonlyMap<string, EndpointPolicy> {
  const endpoints = [...nodePolicies.values()].flatMap((policy) => policy.endpoints);
  return new Map(endpoints.map((endpoint) => [endpoint.pod.uid, endpoint]));
}

/** Endpoints in the order in which a NodePolicy lists them. */
export function byPod(a: Pick<PodFacts, "namespace" | "name" | "uid">, b: typeof a): number {
  const [left, right] = [a, b].map(({ namespace, name, uid }) => `${namespace}/${name}/${uid}`) as [string, string];
  return left < right ? -1 : left > right ? 1 : 0;
}
