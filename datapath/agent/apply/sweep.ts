import type { BpfProgram } from "../../loader/ports.ts";
import { makeStruct } from "../bytes.ts";

/** Buckets of one call: between two of them whoever waits for the CPU gets it. */
const piece = 16_384;

/**
 * Removes all entries whose time is up, or whose endpoint or address is gone, by the program `sweep` over a table of so
 * many buckets. Returns how many went.
 */
export function sweep(program: BpfProgram, buckets: number): number {
  let removed = 0;
  for (let first = 0; first < buckets; first += piece) {
    const args = makeStruct("sweep_args");
    args.setU32("first", first);
    args.setU32("count", Math.min(piece, buckets - first));
    program.run(args.bytes);
    removed += args.u32("removed");
  }
  return removed;
}
