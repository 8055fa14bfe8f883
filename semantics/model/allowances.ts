import type { EndpointMetrics } from "../observation.ts";
import type { Allowances, Direction, Rate } from "../policy.ts";
import type { Reason } from "../verdict.ts";
import { TokenBucket } from "./bucket.ts";

type RateName = "linkLocal" | "packets" | "bandwidthIn" | "bandwidthOut";

const rateNames: readonly RateName[] = ["linkLocal", "packets", "bandwidthIn", "bandwidthOut"];

/** In tokens of its bucket: packets, or bits. Bursts of bandwidth are written in bytes (S-75). */
function rateOf(allowances: Allowances | undefined, name: RateName): Rate | undefined {
  const rate = allowances?.[name];
  const inBytes = name === "bandwidthIn" || name === "bandwidthOut";
  return rate && inBytes ? { perSecond: rate.perSecond, burst: rate.burst * 8 } : rate;
}

/** The rates of one endpoint (S-74). A rate that is not set has no limit. */
export class Rates {
  readonly #buckets = new Map<RateName, TokenBucket>();

  /** Makes these the endpoint's rates. A rate that is new begins with its full burst. */
  set(allowances: Allowances | undefined, now: number): void {
    for (const name of rateNames) {
      const rate = rateOf(allowances, name);
      const bucket = this.#buckets.get(name);
      if (rate === undefined) this.#buckets.delete(name);
      else if (bucket === undefined) this.#buckets.set(name, new TokenBucket(rate, now));
      else bucket.change(rate, now);
    }
  }

  /** Whether one more packet to link-local services and DNS is within the rate. */
  takeLinkLocal(now: number): boolean {
    return this.#take("linkLocal", 1, now);
  }

  /** Both directions together. */
  takePacket(now: number): boolean {
    return this.#take("packets", 1, now);
  }

  /** `length` is bytes on the wire. Each direction for itself. */
  takeBandwidth(direction: Direction, length: number, now: number): boolean {
    return this.#take(direction === "ingress" ? "bandwidthIn" : "bandwidthOut", length * 8, now);
  }

  #take(name: RateName, tokens: number, now: number): boolean {
    return this.#buckets.get(name)?.take(tokens, now) ?? true;
  }
}

type Counts = Record<Direction, Partial<Record<Reason, number>>>;

/** An endpoint's packets by direction and reason, for its life (S-73). Every allowance counter is a sum of these. */
export class PacketCounts {
  readonly #counts: Counts = { ingress: {}, egress: {} };

  count(direction: Direction, reason: Reason): void {
    this.#counts[direction][reason] = this.#of(direction, reason) + 1;
  }

  /** All counters and gauges of section 5. `max` and `used` count entries; `available` is never negative (S-71). */
  metrics(used: number, max: number): EndpointMetrics {
    const both = (reason: Reason) => this.#of("ingress", reason) + this.#of("egress", reason);
    return {
      conntrack_used: used,
      conntrack_max: max,
      conntrack_allowance_available: Math.max(0, max - used),
      conntrack_allowance_exceeded: both("conntrack-allowance"),
      conntrack_table_full: both("table-full"),
      bw_in_allowance_exceeded: this.#of("ingress", "bandwidth-allowance"),
      bw_out_allowance_exceeded: this.#of("egress", "bandwidth-allowance"),
      pps_allowance_exceeded: both("packet-allowance"),
      linklocal_allowance_exceeded: both("linklocal-allowance"),
      packets: { ingress: { ...this.#counts.ingress }, egress: { ...this.#counts.egress } },
    };
  }

  #of(direction: Direction, reason: Reason): number {
    return this.#counts[direction][reason] ?? 0;
  }
}
