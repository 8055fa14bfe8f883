import { constants } from "../abi.generated.ts";

/** A set of rules of one table as `struct row` holds it: bit n of its little-endian words stands for rule n. */
export type Row = Uint8Array<ArrayBuffer>;

const rowSize = constants.ROW_WORDS * 8;

/** An empty set, or the one of these rules. */
export function makeRow(rules: Iterable<number> = []): Row {
  const row = new Uint8Array(rowSize);
  for (const rule of rules) {
    row[rule >> 3] = (row[rule >> 3] ?? 0) | (1 << (rule & 7));
  }
  return row;
}

/** Every rule that is in either. */
export function unite(a: Row, b: Row): Row {
  const both = a.slice();
  for (let index = 0; index < rowSize; index++) {
    both[index] = (both[index] ?? 0) | (b[index] ?? 0);
  }
  return both;
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
    const key = Buffer.from(row.buffer).toString("latin1");
    const known = this.#index.get(key);
    if (known !== undefined) {
      return known;
    }
    const index = this.#rows.push(row) - 1;
    this.#index.set(key, index);
    return index;
  }

  /** The rows in order. */
  rows(): readonly Row[] {
    return this.#rows;
  }
}
