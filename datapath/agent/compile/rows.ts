import { constants, structs } from "../abi.generated.ts";

const words = constants.ROW_WORDS;

/** A set of rules of one table: bit n stands for rule n (`struct row`). */
export type Row = BigUint64Array;

/** An empty set, or the one of these rules. */
export function makeRow(rules: Iterable<number> = []): Row {
  const row = new BigUint64Array(words);
  for (const rule of rules) {
    row[rule >> 6] = (row[rule >> 6] ?? 0n) | (1n << BigInt(rule & 63));
  }
  return row;
}

/** Every rule that is in either. */
export function unite(a: Row, b: Row): Row {
  return a.map((word, index) => word | (b[index] ?? 0n));
}

/** The distinct rows of one policy; index 0 is the empty one. */
export class RowPool {
  readonly #rows: Row[] = [];
  readonly #index = new Map<string, number>();

  constructor() {
    this.add(makeRow());
  }

  /** Index of this row, which is added when it is new. */
  add(row: Row): number {
    const key = row.join();
    const known = this.#index.get(key);
    if (known !== undefined) {
      return known;
    }
    const index = this.#rows.push(row) - 1;
    this.#index.set(key, index);
    return index;
  }

  /** The rows' bytes, in order. */
  bytes(): Uint8Array[] {
    return this.#rows.map((row) => {
      if (row.byteLength !== structs.row.size) {
        throw new RangeError(`a row has ${row.byteLength} bytes, struct row ${structs.row.size}`);
      }
      return new Uint8Array(row.buffer);
    });
  }
}
