import type { CompiledState, EndpointFacts, NodeFacts } from "../../semantics/policy.ts";
import type { ConnectionState, Reason, Tracking } from "../../semantics/verdict.ts";

/** One endpoint as the node knows it: the policy's pod and the interface on the host side of its veth pair. */
export interface EndpointAttachment extends EndpointFacts {
  /** Interface index of the host-side veth, in the agent's network namespace. */
  readonly ifindex: number;
}

/** One row of an endpoint's connection table. Addresses are the remote's; ports as in S-31. */
export interface ConnectionRow {
  readonly protocol: number;
  readonly family: 4 | 6;
  readonly remote: string;
  readonly local: string;
  /** Local port; of an echo entry its identifier, whoever began. */
  readonly port: number;
  readonly remotePort: number;
  readonly state: ConnectionState;
  /** Who sent the packet that made the entry. */
  readonly origin: "local" | "remote";
  /** Whole seconds since the last packet. */
  readonly idle: number;
  /** Whole seconds until the entry is gone, if nothing comes. */
  readonly remaining: number;
}

/** Counters and gauges of one endpoint, by the names of section 5 and of scenarios. */
export interface EndpointMetrics {
  readonly conntrack_used: number;
  readonly conntrack_max: number;
  readonly conntrack_allowance_available: number;
  readonly conntrack_allowance_exceeded: number;
  readonly conntrack_table_full: number;
  readonly bw_in_allowance_exceeded: number;
  readonly bw_out_allowance_exceeded: number;
  readonly pps_allowance_exceeded: number;
  readonly linklocal_allowance_exceeded: number;
  /** Packets by direction and reason, e.g. `packets.ingress.rule`. Only those above zero. */
  readonly packets: Readonly<Record<"ingress" | "egress", Readonly<Partial<Record<Reason, number>>>>>;
}

/** State of one endpoint, as NodePolicy status reports it. */
export interface EndpointStatus {
  readonly uid: string;
  readonly state: "Programmed" | "NotProgrammed";
  /** Why not, in words; names object, value and remedy. */
  readonly message?: string;
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
