import { z } from "zod";
import { connectionStates, reasons } from "../../semantics/verdict.ts";
import { family, field, machineName, port, protocol, refuse, whole, word, yesOrNo } from "./fields.ts";

/** Counters and gauges that `metrics` may name (section 5 of the contract). */
export const metricNames = [
  "conntrack_used",
  "conntrack_max",
  "conntrack_allowance_available",
  "conntrack_allowance_exceeded",
  "conntrack_table_full",
  "bw_in_allowance_exceeded",
  "bw_out_allowance_exceeded",
  "pps_allowance_exceeded",
  "linklocal_allowance_exceeded",
] as const;

export type MetricName = (typeof metricNames)[number];

const delivered = field<boolean | number>(
  (value) =>
    typeof value === "boolean" || (typeof value === "number" && Number.isInteger(value) && value >= 0)
      ? value
      : undefined,
  "is neither true, false nor a number",
  "use true or false for one packet, the number that arrives for more",
);

const tracking = word(["tracked", "untracked", "none"]).optional();
const reason = word(reasons).optional();
const at = machineName.optional();

/** Beside `packet`, `exchange` and `flood`. */
export const deliveryExpectation = z.strictObject({ delivered: delivered.optional(), tracking, reason, at });

/** Beside `connect`. */
export const connectExpectation = z.strictObject({ connected: yesOrNo.optional(), tracking, reason, at });

const connection = z.strictObject({
  protocol,
  /** A pod, a host, `node`, or an address. */
  remote: field(
    (value) => (typeof value === "string" && /^[0-9a-z][-0-9a-z.:/]*$/.test(value) ? value : undefined),
    "is no name or address",
    "give the name of a pod or host, node, or an address",
  ),
  port: port.optional(),
  remotePort: port.optional(),
  state: word(connectionStates).optional(),
  family: family.optional(),
});

const counters = Object.fromEntries(
  metricNames.map((name) => [name, whole(0, Number.MAX_SAFE_INTEGER).optional()]),
) as Record<MetricName, z.ZodOptional<ReturnType<typeof whole>>>;

/** Alone: what a pod's counters and connection table must show. */
export const podExpectation = z
  .strictObject({
    pod: machineName,
    metrics: z.strictObject(counters).optional(),
    connections: z.array(connection, "is not a list").optional(),
  })
  .superRefine((value, ctx) => {
    if (value.metrics === undefined && value.connections === undefined) {
      refuse(ctx, [], "expects nothing", "give metrics, connections or both");
    }
  });

export type DeliveryExpectation = z.output<typeof deliveryExpectation>;
export type ConnectExpectation = z.output<typeof connectExpectation>;
export type PodExpectation = z.output<typeof podExpectation>;
export type ConnectionExpectation = z.output<typeof connection>;
