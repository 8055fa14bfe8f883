import { randomBytes } from "node:crypto";
import { constants } from "../abi.generated.ts";
import type { StructView } from "../bytes.ts";

/** So few that even a small table's ways lead through many buckets. */
const leastBuckets = constants.BUCKET_PROBES;

/**
 * Buckets of a table that is to hold `size` entries: half of the slots stay free, so that some bucket on an entry's way
 * has room.
 */
export function bucketsFor(size: number): number {
  return Math.max(leastBuckets, Math.ceil((2 * size) / constants.BUCKET_SLOTS));
}

/** `config.hash_key`. */
const hashKeyBytes = 32;

/** Gives a new table the random numbers that its hash begins with; one that has some keeps them, for its entries' sake. */
export function seedTable(configuration: StructView<"config">): void {
  const key = configuration.window("hash_key", hashKeyBytes);
  if (key.every((byte) => byte === 0)) key.set(randomBytes(hashKeyBytes));
}
