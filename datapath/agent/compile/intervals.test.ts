import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { constants } from "../abi.generated.ts";
import { cutIntervals, type RangedRule, writeIntervals } from "./intervals.ts";
import { makeRow, RowPool } from "./rows.ts";
import { intervalRow } from "./test/interpreter.ts";

const size = constants.PORT_INTERVALS;

function written(rules: readonly RangedRule[], pool: RowPool): (value: number) => number {
  const start = new Uint16Array(size);
  const row = new Uint16Array(size);
  writeIntervals(cutIntervals(rules, pool), start, row);
  return (value) => intervalRow(start, row, value);
}

test("no rule is one piece from 0 with the empty row", () => {
  assert.deepEqual(cutIntervals([], new RowPool()), [{ start: 0, row: 0 }]);
});

test("pieces begin where a range begins and behind where it ends", () => {
  const pool = new RowPool();
  const pieces = cutIntervals([{ rule: 3, from: 80, to: 443 }], pool);
  assert.deepEqual(pieces, [
    { start: 0, row: 0 },
    { start: 80, row: pool.add(makeRow([3])) },
    { start: 444, row: 0 },
  ]);
});

test("a range up to 65535 has no piece behind it, and one from 0 none before", () => {
  const pool = new RowPool();
  assert.deepEqual(cutIntervals([{ rule: 0, from: 0, to: 65_535 }], pool), [{ start: 0, row: pool.add(makeRow([0])) }]);
});

test("neighbouring ranges of the same rules are one piece", () => {
  const pool = new RowPool();
  const pieces = cutIntervals(
    [
      { rule: 0, from: 10, to: 19 },
      { rule: 0, from: 20, to: 29 },
    ],
    pool,
  );
  assert.deepEqual(
    pieces.map(({ start }) => start),
    [0, 10, 30],
  );
});

test("every value finds the rules whose ranges hold it, also at both ends of the space", () => {
  const edge = fc.oneof(fc.constantFrom(0, 1, 65_534, 65_535), fc.integer({ min: 0, max: 65_535 }));
  const range = fc.tuple(edge, edge).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 40 }), fc.array(edge, { maxLength: 20 }), (ranges, values) => {
      const pool = new RowPool();
      const rules = ranges.map((one, rule) => ({ rule, ...one }));
      const find = written(rules, pool);
      for (const value of [0, 65_535, ...values, ...ranges.flatMap(({ from, to }) => [from, to])]) {
        const holding = rules.filter(({ from, to }) => from <= value && value <= to).map(({ rule }) => rule);
        assert.equal(find(value), pool.add(makeRow(holding)));
      }
    }),
  );
});

test("a binary search as the programs do it finds the same row as a plain one", () => {
  // policy.h, interval_row: adds powers of two while the start there is not above the value.
  const start = new Uint16Array(size);
  const row = new Uint16Array(size);
  const rules = Array.from({ length: 700 }, (_, rule) => ({ rule, from: rule * 90, to: rule * 90 + 44 }));
  const pool = new RowPool();
  writeIntervals(cutIntervals(rules, pool), start, row);
  for (let value = 0; value <= 65_535; value += 13) {
    let at = 0;
    for (let step = size / 2; step > 0; step >>= 1) {
      if ((start[at | step] ?? 0) <= value) at |= step;
    }
    assert.equal(row[at], intervalRow(start, row, value), `value ${value}`);
  }
});

test("more pieces than the table has room for are refused", () => {
  const pieces = Array.from({ length: size + 1 }, (_, start) => ({ start, row: start & 1 }));
  const arrays = [new Uint16Array(size), new Uint16Array(size)] as const;
  assert.throws(() => writeIntervals(pieces, ...arrays), /2049 port intervals, at most 2048/);
});
