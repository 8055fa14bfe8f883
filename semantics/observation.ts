import type { Direction } from "./policy.ts";
import type { ConnectionState, Reason, Verdict } from "./verdict.ts";

/** A verdict, and what decided it. */
export interface Judged extends Verdict {
  /** Index in `RuleSet.rules` (or `AclSet.rules` for `acl-deny`) of the rule that decided; absent where none did. */
  readonly rule?: number;
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
  readonly packets: Readonly<Record<Direction, Readonly<Partial<Record<Reason, number>>>>>;
}
