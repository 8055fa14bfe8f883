import { userStatuses } from "../../crds/status.ts";
import type { ObjectRef, UserKind } from "../ports.ts";
import { holdingSources, resolveHoldings } from "../resolve/holders.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { same } from "../same.ts";
import type { UserObject } from "../snapshot.ts";
import { allowanceProfileStatus, endpointsByProfile } from "./allowance-profile.ts";
import { fit } from "./fit.ts";
import { groupFacts } from "./group-facts.ts";
import { listFacts } from "./list-facts.ts";
import { networkAclStatus } from "./network-acl.ts";
import { prefixListStatus } from "./prefix-list.ts";
import { configProgress, endpointProgress } from "./progress.ts";
import { securityGroupStatus } from "./security-group.ts";
import { trackingPolicyStatus } from "./tracking-policy.ts";

/** A status that is not what the object has. */
export interface StatusChange {
  readonly ref: ObjectRef;
  readonly uid: string;
  /** As it stands now. */
  readonly before: unknown;
  readonly status: unknown;
}

/**
 * Works out the status of every user object, as its schema takes it; those that have theirs already are left out. `now`
 * is RFC 3339.
 */
export function decideStatuses(resolution: Resolution, now: string): readonly StatusChange[] {
  const { snapshot } = resolution;
  const progress = endpointProgress(resolution);
  const holdings = resolveHoldings(holdingSources(resolution));
  const facts = groupFacts(resolution, progress, holdings);
  const lists = listFacts(resolution, progress, holdings);
  const profiles = endpointsByProfile(resolution.profiles, progress);
  const nodes = configProgress(resolution);
  return statusChanges([
    ...[...resolution.groups.values()].map((one) => [one.group, securityGroupStatus(one, facts, now)] as const),
    ...snapshot.prefixLists.map((list) => [list, prefixListStatus(list, lists, now)] as const),
    ...[...resolution.acls.values()].map((one) => [one.acl, networkAclStatus(one, resolution, progress, now)] as const),
    ...snapshot.profiles.map((one) => [one, allowanceProfileStatus(one, profiles.get(one.uid) ?? [], now)] as const),
    ...snapshot.trackingPolicies.map(
      (one) => [one, trackingPolicyStatus(one, resolution.prefixLists, nodes, now)] as const,
    ),
  ]);
}

/** What of these statuses, cut to what their schemas take, is not as the objects have it. */
export function statusChanges(statuses: Iterable<readonly [UserObject<unknown>, unknown]>): readonly StatusChange[] {
  return [...statuses]
    .map(([object, status]) => [object, fit(userStatuses[object.ref.kind as UserKind], status)] as const)
    .filter(([object, status]) => !same(object.status, status))
    .map(([{ ref, uid, status: before }, status]) => ({ ref, uid, before, status }));
}
