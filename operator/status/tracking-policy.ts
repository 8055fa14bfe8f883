import type { TrackingObject } from "../snapshot.ts";
import { accepted, invalid, notInForce } from "./acceptance.ts";
import { type Condition, settle } from "./condition.ts";
import { type Progress, programmedOf, summarise } from "./progress.ts";
import { type Existing, resolved, type StaleReference, stalePaths } from "./references.ts";

/** Status of the TrackingPolicy. */
export interface TrackingPolicyStatus {
  readonly conditions: readonly Condition[];
  /** Nodes with endpoints. */
  readonly nodes: number;
  /** Of these, nodes on which it is in force. */
  readonly programmed: number;
  readonly staleReferences: readonly StaleReference[];
}

/** Works it out. `nodes`: how far every node is with it. `now` is RFC 3339. */
export function trackingPolicyStatus(
  policy: TrackingObject,
  lists: Existing["prefixLists"],
  nodes: readonly Progress[],
  now: string,
): TrackingPolicyStatus {
  const refusal = invalid(policy);
  const stale = stalePaths(policy.spec?.paths ?? [], lists);
  const findings = [
    accepted(refusal),
    refusal === undefined ? resolved(stale) : notInForce("Resolved"),
    refusal === undefined ? summarise(nodes, "node") : notInForce("Programmed"),
  ];
  return {
    conditions: settle(findings, policy.generation, policy.status, now),
    nodes: nodes.length,
    programmed: refusal === undefined ? programmedOf(nodes) : 0,
    staleReferences: stale,
  };
}
