import type { ObjectRef } from "../ports.ts";
import { resolveHoldings } from "../resolve/holders.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { same } from "../same.ts";
import type { UserObject } from "../snapshot.ts";
import { allowanceProfileStatus } from "./allowance-profile.ts";
import { groupFacts } from "./group-facts.ts";
import { networkAclStatus } from "./network-acl.ts";
import { prefixListStatus } from "./prefix-list.ts";
import { endpointProgress } from "./progress.ts";
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

/** Works out the status of every user object; those that have theirs already are left out. `now` is RFC 3339. */
export function decideStatuses(resolution: Resolution, now: string): readonly StatusChange[] {
  const { snapshot } = resolution;
  const progress = endpointProgress(resolution);
  const holdings = resolveHoldings(resolution);
  const facts = groupFacts(resolution, progress, holdings);
  const all: readonly (readonly [UserObject<unknown>, unknown])[] = [
    ...[...resolution.groups.values()].map((one) => [one.group, securityGroupStatus(one, facts, now)] as const),
    ...snapshot.prefixLists.map((list) => [list, prefixListStatus(list, holdings, now)] as const),
    ...[...resolution.acls.values()].map((one) => [one.acl, networkAclStatus(one, resolution, progress, now)] as const),
    ...snapshot.profiles.map((one) => [one, allowanceProfileStatus(one, resolution, progress, now)] as const),
    ...snapshot.trackingPolicies.map((one) => [one, trackingPolicyStatus(one, resolution, now)] as const),
  ];
  return all
    .filter(([object, status]) => !same(object.status, status))
    .map(([{ ref, uid, status: before }, status]) => ({ ref, uid, before, status }));
}
