import { constants } from "../abi.generated.ts";
import { makeRow, type RowPool } from "./rows.ts";

/** A rule that holds for an inclusive range of 16-bit values. */
export interface RangedRule {
  readonly rule: number;
  readonly from: number;
  readonly to: number;
}

const last = 0xffff;

/** Cuts 0–65535 where the set of rules changes (`struct intervals`). Returns start and row of each piece, in order. */
export function cutIntervals(rules: readonly RangedRule[], pool: RowPool): { start: number; row: number }[] {
  const changes = new Map<number, { begin: number[]; end: number[] }>([[0, { begin: [], end: [] }]]);
  const at = (value: number) => {
    const known = changes.get(value) ?? { begin: [], end: [] };
    changes.set(value, known);
    return known;
  };
  for (const { rule, from, to } of rules) {
    at(from).begin.push(rule);
    if (to < last) {
      at(to + 1).end.push(rule);
    }
  }
  const active = new Set<number>();
  const intervals: { start: number; row: number }[] = [];
  for (const start of [...changes.keys()].sort((a, b) => a - b)) {
    const change = at(start);
    for (const rule of change.end) {
      active.delete(rule);
    }
    for (const rule of change.begin) {
      active.add(rule);
    }
    const row = pool.add(makeRow(active));
    if (row !== intervals.at(-1)?.row) {
      intervals.push({ start, row });
    }
  }
  return intervals;
}

/** Writes pieces into `start[]` and `row[]`, filling what is unused as `struct intervals` says. */
export function writeIntervals(
  pieces: readonly { start: number; row: number }[],
  start: Uint16Array,
  row: Uint16Array,
): void {
  if (pieces.length > constants.PORT_INTERVALS) {
    throw new RangeError(`${pieces.length} port intervals, at most ${constants.PORT_INTERVALS}: too many rules (S-15)`);
  }
  start.fill(last);
  row.fill(pieces.at(-1)?.row ?? 0);
  pieces.forEach((piece, index) => {
    start[index] = piece.start;
    row[index] = piece.row;
  });
}
