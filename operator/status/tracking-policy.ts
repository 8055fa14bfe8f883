import type { Resolution } from "../resolve/resolution.ts";
import type { TrackingObject } from "../snapshot.ts";
import { accepted, invalid, notInForce } from "./acceptance.ts";
import { type Condition, settle } from "./condition.ts";
import { mostListed } from "./listing.ts";
import { configProgress, summarise } from "./progress.ts";
import { resolved, type StaleReference, stalePaths } from "./references.ts";

/** Status of the TrackingPolicy. */
export interface TrackingPolicyStatus {
  readonly conditions: readonly Condition[];
  readonly staleReferences: readonly StaleReference[];
}

/** Works it out. `now` is RFC 3339. */
export function trackingPolicyStatus(
  policy: TrackingObject,
  resolution: Resolution,
  now: string,
): TrackingPolicyStatus {
  const refusal = invalid(policy);
  const stale = stalePaths(policy.spec?.paths ?? [], resolution);
  const nodes = configProgress(resolution, resolution.compiled.config);
  const findings = [
    accepted(refusal),
    refusal === undefined ? resolved(stale) : notInForce("Resolved"),
    refusal === undefined ? summarise(nodes, "node") : notInForce("Programmed"),
  ];
  return {
    conditions: settle(findings, policy.generation, policy.status, now),
    staleReferences: stale.slice(0, mostListed),
  };
}
