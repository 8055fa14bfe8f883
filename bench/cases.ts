import type { Reason } from "../semantics/verdict.ts";
import { ack, type Segment, syn } from "./packets.ts";
import { closedPort, type Pod, trackedPort, untrackedPort } from "./policy.ts";

/** What is measured. */
export interface Case {
  readonly name: CaseName;
  readonly pod: Pod;
  readonly podPort: number;
  readonly flags: Segment["flags"];
  /** Reason of every one of its packets; anything else and the figure is of something else. */
  readonly reason: Reason;
  /** The map operation that it is compared with; with `bench_insert` every packet begins a flow. */
  readonly bare: "bench_lookup" | "bench_insert";
}

export type CaseName = "established" | "untracked" | "new flow" | "over allowance" | "no rule";

const lookup = "bench_lookup";

/** All packets enter the pod. */
export const cases: readonly Case[] = [
  { name: "established", pod: "established", podPort: trackedPort, flags: ack, reason: "connection", bare: lookup },
  { name: "untracked", pod: "untracked", podPort: untrackedPort, flags: ack, reason: "untracked", bare: lookup },
  { name: "new flow", pod: "new", podPort: trackedPort, flags: syn, reason: "rule", bare: "bench_insert" },
  {
    name: "over allowance",
    pod: "over",
    podPort: trackedPort,
    flags: syn,
    reason: "conntrack-allowance",
    bare: lookup,
  },
  { name: "no rule", pod: "established", podPort: closedPort, flags: syn, reason: "no-rule", bare: lookup },
];
