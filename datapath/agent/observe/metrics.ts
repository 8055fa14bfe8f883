import type { EndpointMetrics } from "../../../semantics/observation.ts";
import { type Reason, reasons } from "../../../semantics/verdict.ts";
import { constants, structs } from "../abi.generated.ts";
import type { EndpointView } from "../apply/endpoints.ts";
import { sumCpus } from "../bytes.ts";

function packetsOf(counters: Uint8Array, direction: number): Partial<Record<Reason, number>> {
  const size = structs.endpoint_counters.size;
  const counts: Partial<Record<Reason, number>> = {};
  reasons.forEach((reason, index) => {
    const offset = structs.endpoint_counters.fields.packets + (direction * constants.REASONS + index) * 8;
    const packets = sumCpus(counters, size, offset);
    if (packets > 0) {
      counts[reason] = packets;
    }
  });
  return counts;
}

/** Reads an endpoint's counters; `counters` is its value of `endpoint_counters` on every CPU. */
export function readMetrics(endpoint: EndpointView, counters: Uint8Array): EndpointMetrics {
  const used = endpoint.u32("used");
  const max = endpoint.u32("conntrack_max");
  return {
    conntrack_used: used,
    conntrack_max: max,
    conntrack_allowance_available: Math.max(0, max - used),
    conntrack_allowance_exceeded: Number(endpoint.u64("conntrack_allowance_exceeded")),
    conntrack_table_full: Number(endpoint.u64("conntrack_table_full")),
    bw_in_allowance_exceeded: Number(endpoint.u64("bw_in_allowance_exceeded")),
    bw_out_allowance_exceeded: Number(endpoint.u64("bw_out_allowance_exceeded")),
    pps_allowance_exceeded: Number(endpoint.u64("pps_allowance_exceeded")),
    linklocal_allowance_exceeded: Number(endpoint.u64("linklocal_allowance_exceeded")),
    packets: {
      ingress: packetsOf(counters, constants.DIRECTION_INGRESS),
      egress: packetsOf(counters, constants.DIRECTION_EGRESS),
    },
  };
}
