import type { Resolution } from "../resolve/resolution.ts";
import type { ProfileObject } from "../snapshot.ts";
import { accepted, invalid, notInForce } from "./acceptance.ts";
import { type Condition, settle } from "./condition.ts";
import { type EndpointProgress, summarise } from "./progress.ts";

/** Status of an AllowanceProfile. */
export interface AllowanceProfileStatus {
  readonly conditions: readonly Condition[];
  /** Pods to which it applies: those that it selects and no profile before it does. */
  readonly applied: number;
  readonly programmed: number;
}

/** Works it out. `now` is RFC 3339. */
export function allowanceProfileStatus(
  profile: ProfileObject,
  { profiles }: Resolution,
  progress: ReadonlyMap<string, EndpointProgress>,
  now: string,
): AllowanceProfileStatus {
  const uids = [...profiles].filter(([, applied]) => applied === profile).map(([uid]) => uid);
  const endpoints = uids.map((uid) => progress.get(uid)?.allowances).filter((one) => one !== undefined);
  const refusal = invalid(profile);
  const programmed = refusal === undefined ? summarise(endpoints, "endpoint") : notInForce("Programmed");
  return {
    conditions: settle([accepted(refusal), programmed], profile.generation, profile.status, now),
    applied: uids.length,
    programmed: endpoints.filter(({ state }) => state === "Programmed").length,
  };
}
