import type { BpfMap } from "../../loader/ports.ts";
import { littleEndian, u32Bytes } from "../bytes.ts";
import { combinationKey } from "../compile/identities.ts";
import type { Combinations } from "../compile/policy.ts";
import { applyEntries } from "./entries.ts";

/** The numbers that combinations of labels have, kept in the kernel beside the policies that go by them. */
export class CombinationTable {
  readonly #map: BpfMap;
  #current: Combinations = new Map();

  constructor(map: BpfMap) {
    this.#map = map;
  }

  /** Number by `combinationKey`, also those that a former agent gave. */
  numbers(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#map.entries()].map(([key, value]) => [
        Buffer.from(key).toString("hex"),
        new DataView(value.buffer, value.byteOffset).getUint32(0, littleEndian),
      ]),
    );
  }

  /** What `apply` was last given. */
  current(): Combinations {
    return this.#current;
  }

  /** Keeps new numbers at once and returns what forgets the others, once no address has them any more. */
  apply(combinations: Combinations): () => void {
    this.#current = combinations;
    return applyEntries(
      this.#map,
      [...combinations].map(
        ([number, labels]) => [Buffer.from(combinationKey(labels), "hex"), u32Bytes(number)] as const,
      ),
    );
  }
}
