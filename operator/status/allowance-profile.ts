import type { ProfileObject } from "../snapshot.ts";
import { accepted, invalid, notInForce } from "./acceptance.ts";
import { type Condition, settle } from "./condition.ts";
import { type EndpointProgress, type Progress, programmedOf, summarise } from "./progress.ts";

/** Status of an AllowanceProfile. */
export interface AllowanceProfileStatus {
  readonly conditions: readonly Condition[];
  /** Pods to which it applies: those that it selects and no profile before it does. */
  readonly applied: number;
  readonly programmed: number;
}

/** How far the endpoints of each profile are with their allowances, by the profile's uid. */
export function endpointsByProfile(
  profiles: ReadonlyMap<string, ProfileObject>,
  progress: ReadonlyMap<string, EndpointProgress>,
): ReadonlyMap<string, readonly Progress[]> {
  const endpoints = new Map<string, Progress[]>();
  for (const [uid, profile] of profiles) {
    const one = progress.get(uid)?.allowances;
    if (one === undefined) continue;
    const own = endpoints.get(profile.uid) ?? [];
    own.push(one);
    endpoints.set(profile.uid, own);
  }
  return endpoints;
}

/** Works it out. `endpoints`: how far those are to which the profile applies. `now` is RFC 3339. */
export function allowanceProfileStatus(
  profile: ProfileObject,
  endpoints: readonly Progress[],
  now: string,
): AllowanceProfileStatus {
  const refusal = invalid(profile);
  const programmed = refusal === undefined ? summarise(endpoints, "endpoint") : notInForce("Programmed");
  return {
    conditions: settle([accepted(refusal), programmed], profile.generation, profile.status, now),
    applied: endpoints.length,
    programmed: programmedOf(endpoints),
  };
}
