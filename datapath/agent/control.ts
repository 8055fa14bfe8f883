import type { ConnectionRow, EndpointMetrics } from "../../semantics/observation.ts";
import type { CompiledState, EndpointFacts, NodeFacts } from "../../semantics/policy.ts";
import type { Reason, Tracking } from "../../semantics/verdict.ts";

/** One endpoint as the node knows it: the policy's pod and the interface on the host side of its veth pair. */
export interface EndpointAttachment extends EndpointFacts {
  /** Interface index of the host-side veth, in the agent's network namespace. */
  readonly ifindex: number;
  /**
   * The pod's own interface, where the node's CNI delivers with `bpf_redirect_peer` (Cilium's host routing): what
   * enters the pod is judged there then, since it never passes the host side. Absent: at the host side.
   */
  readonly podSide?: PodSide;
}

/** An interface inside a pod. */
export interface PodSide {
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** Interface index in that namespace. */
  readonly ifindex: number;
}

/** State of one endpoint, as NodePolicy status reports it. */
export interface EndpointStatus {
  readonly uid: string;
  readonly state: "Programmed" | "NotProgrammed";
  /** Why not, in words; names object, value and remedy. */
  readonly message?: string;
  /** A step failed, as against a policy that closes the endpoint: it is tried again by itself. */
  readonly retried?: boolean;
}

/** The last verdicts that the datapath's debug ring holds, oldest first. */
export interface VerdictRecord {
  readonly uid: string;
  readonly direction: "ingress" | "egress";
  readonly pass: boolean;
  readonly reason: Reason;
  readonly tracking: Tracking;
  /** Index in `RuleSet.rules` (or `AclSet.rules` for `acl-deny`) of the rule that decided; absent where none did. */
  readonly rule?: number;
}

/**
 * What an agent can be asked over its control channel. The lab, the CLI and the differential test speak it; it is
 * JSON both ways, one message per line.
 */
export interface AgentControl {
  /** Makes the datapath hold exactly this; resolves once every endpoint is programmed or has a reason why not. */
  program(
    state: CompiledState,
    node: NodeFacts,
    endpoints: readonly EndpointAttachment[],
  ): Promise<readonly EndpointStatus[]>;
  /** How each endpoint is now, after whatever was tried again since `program`. */
  statuses(): Promise<readonly EndpointStatus[]>;
  /** Moves a standing clock by whole or quarter seconds, then sweeps. Refused while the clock runs. */
  advance(seconds: number): Promise<void>;
  /** Removes expired entries now. Returns how many went. */
  sweep(): Promise<number>;
  connections(uid: string): Promise<readonly ConnectionRow[]>;
  metrics(uid: string): Promise<EndpointMetrics>;
  /** Rule hits by index in the RuleSet, since the endpoint's rule set was first programmed. */
  ruleHits(ruleSet: string): Promise<readonly number[]>;
  /** Verdicts since the last call. */
  verdicts(): Promise<readonly VerdictRecord[]>;
}
