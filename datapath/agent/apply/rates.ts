import { constants, structs } from "../abi.generated.ts";
import { StructView } from "../bytes.ts";
import type { Bucket, Buckets } from "../compile/rates.ts";

/** The array `rates`, mapped into this process. Of a bucket, packets write `full_at` and we the rest. */
export class RateArray {
  readonly #memory: ArrayBuffer;

  constructor(memory: ArrayBuffer) {
    this.#memory = memory;
  }

  /**
   * Sets an endpoint's limits. What a bucket holds stays; a packet that comes in between may meet the depth of one rate
   * and the cost of another, once.
   */
  set(index: number, buckets: Buckets): void {
    const { fields } = structs.rates;
    const bandwidth = (direction: number) => fields.bandwidth + direction * structs.bucket.size;
    this.#write(index, bandwidth(constants.DIRECTION_INGRESS), buckets.bandwidthIn);
    this.#write(index, bandwidth(constants.DIRECTION_EGRESS), buckets.bandwidthOut);
    this.#write(index, fields.packets, buckets.packets);
    this.#write(index, fields.link_local, buckets.linkLocal);
  }

  /** Full buckets without a limit, for a new endpoint. */
  clear(index: number): void {
    new Uint8Array(this.#memory, index * structs.rates.size, structs.rates.size).fill(0);
  }

  #write(index: number, offset: number, { depth, cost, shift }: Bucket): void {
    const view = new StructView("bucket", this.#memory, index * structs.rates.size + offset);
    view.setU64("depth", depth);
    view.setU64("cost", cost);
    view.setU32("cost_shift", shift);
  }
}
