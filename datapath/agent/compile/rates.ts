import type { Allowances, Rate } from "../../../semantics/policy.ts";
import { constants } from "../abi.generated.ts";

/** What of `struct bucket` the agent writes; `shift` 0 is no limit. */
export interface Bucket {
  readonly depth: bigint;
  readonly cost: bigint;
  readonly shift: number;
}

/** The buckets of one endpoint, as `struct rates` has them. */
export interface Buckets {
  readonly bandwidthIn: Bucket;
  readonly bandwidthOut: Bucket;
  readonly packets: Bucket;
  readonly linkLocal: Bucket;
}

const unlimited: Bucket = { depth: 0n, cost: 0n, shift: constants.NO_LIMIT };

/** Bits of a cost: with the 20 bits of a packet's units the product stays within 64. */
const costBits = 42;
const deepest = 1n << 62n;

/** A rate of nothing: whatever comes costs more than the bucket holds. */
const closed: Bucket = { depth: 0n, cost: 1n << 41n, shift: 1 };

const bitLength = (value: bigint): number => value.toString(2).length;

/**
 * The bucket of a rate in units per second (S-74). A unit costs the time in which one comes in, 2^-BUCKET_SHIFT of a
 * tick of the bucket's clock being the unit of time; the shift keeps 42 bits of that cost.
 */
export function bucketOf(rate: Rate | undefined, unitsPerSecond: bigint, ticksPerSecond: number): Bucket {
  if (rate === undefined) return unlimited;
  if (unitsPerSecond === 0n) return closed;
  const second = BigInt(ticksPerSecond) << BigInt(constants.BUCKET_SHIFT);
  // One shift more than zero, since zero means that there is no bucket.
  const shift = Math.min(63, Math.max(1, costBits - bitLength(second / unitsPerSecond)));
  const cost = (second << BigInt(shift)) / unitsPerSecond;
  const depth = (BigInt(rate.burst) * cost) >> BigInt(shift);
  return { depth: depth < deepest ? depth : deepest, cost, shift };
}

/** Bandwidth is in bits per second, its burst in bytes; a bucket counts bytes, eighths of whose rate would be lost. */
function bandwidthBucket(rate: Rate | undefined, ticksPerSecond: number): Bucket {
  if (rate === undefined) return unlimited;
  const eighth = bucketOf({ ...rate, burst: rate.burst * 8 }, BigInt(rate.perSecond), ticksPerSecond);
  return { ...eighth, cost: eighth.cost * 8n };
}

/** All buckets of an endpoint with these allowances. `ticksPerSecond` is of the buckets' clock: jiffies, if it runs. */
export function compileRates(allowances: Allowances, ticksPerSecond: number): Buckets {
  const packetBucket = (rate: Rate | undefined) => bucketOf(rate, BigInt(rate?.perSecond ?? 0), ticksPerSecond);
  return {
    bandwidthIn: bandwidthBucket(allowances.bandwidthIn, ticksPerSecond),
    bandwidthOut: bandwidthBucket(allowances.bandwidthOut, ticksPerSecond),
    packets: packetBucket(allowances.packets),
    linkLocal: packetBucket(allowances.linkLocal),
  };
}

/** Whether there is a limit at all: an endpoint without one is not slowed by looking. */
export function hasRates({ bandwidthIn, bandwidthOut, packets, linkLocal }: Allowances): boolean {
  return [bandwidthIn, bandwidthOut, packets, linkLocal].some((rate) => rate !== undefined);
}
