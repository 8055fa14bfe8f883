/** Why a packet passed or was dropped: a closed list, shared by model, kernel, counters and scenarios. */
export const reasons = [
  "rule",
  "connection",
  "related",
  "untracked",
  "exempt",
  "unfiltered",
  "no-rule",
  "acl-deny",
  "conntrack-allowance",
  "table-full",
  "bandwidth-allowance",
  "packet-allowance",
  "linklocal-allowance",
  "fragment",
  "malformed",
  "spoofed",
  "not-programmed",
] as const;

export type Reason = (typeof reasons)[number];

/** `tracked`/`untracked`: the flow has/has no entry (S-50); `none`: dropped, related, unfiltered, exempt, or passed by a rule without an entry. */
export type Tracking = "tracked" | "untracked" | "none";

/** What became of one packet at one endpoint. */
export interface Verdict {
  readonly pass: boolean;
  readonly reason: Reason;
  readonly tracking: Tracking;
}

/** The reasons with which a packet passes. */
export const passReasons: ReadonlySet<Reason> = new Set([
  "rule",
  "connection",
  "related",
  "untracked",
  "exempt",
  "unfiltered",
]);

/** State of a connection table entry, as scenarios and `conntrack` show it. */
export const connectionStates = ["opening", "established", "closing", "datagram", "stream", "echo", "generic"] as const;

export type ConnectionState = (typeof connectionStates)[number];
