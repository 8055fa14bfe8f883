import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, structs } from "../abi.generated.ts";
import { makeRow, RowPool, unite } from "./rows.ts";

test("rule n is bit n % 64 of word n / 64, the last one too", () => {
  const row = makeRow([0, 63, 64, constants.RULES_PER_TABLE - 1]);
  assert.equal(row.byteLength, structs.row.size);
  const words = new BigUint64Array(row.buffer);
  assert.equal(words[0], (1n << 63n) | 1n);
  assert.equal(words[1], 1n);
  assert.equal(words[constants.ROW_WORDS - 1], 1n << 63n);
});

test("a union holds what either holds and changes neither", () => {
  const a = makeRow([1]);
  const b = makeRow([1, 65]);
  assert.deepEqual(unite(a, b), makeRow([1, 65]));
  assert.deepEqual([a, b], [makeRow([1]), makeRow([1, 65])]);
});

test("row 0 of a pool is empty, and equal rows have one index", () => {
  const pool = new RowPool();
  assert.equal(pool.add(makeRow()), 0);
  const first = pool.add(makeRow([5]));
  assert.equal(pool.add(makeRow([6])), first + 1);
  assert.equal(pool.add(makeRow([5])), first);
  assert.deepEqual(pool.rows(), [makeRow(), makeRow([5]), makeRow([6])]);
});
