import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ranges } from "./ranges.ts";

test("runs come one behind the other, and a gap is used again by what fits into it", () => {
  const ranges = new Ranges("rows", 100);
  assert.deepEqual([ranges.take(10), ranges.take(20), ranges.take(30)], [0, 10, 30]);
  ranges.give(10);
  assert.equal(ranges.take(21), 60);
  assert.equal(ranges.take(20), 10);
});

test("a map without room is an error that names it", () => {
  const ranges = new Ranges("rows", 10);
  ranges.take(8);
  assert.throws(() => ranges.take(3), /map rows has no room for 3 more entries of 10/);
  assert.equal(ranges.take(2), 8);
});

test("what a former agent gave out is not given out again", () => {
  const ranges = new Ranges("rows", 100);
  ranges.reserve(5, 10);
  assert.deepEqual([ranges.take(5), ranges.take(1)], [0, 15]);
});

test("no two runs ever overlap, and none lies outside", () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant("give" as const)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const ranges = new Ranges("rows", 64);
      const held: { first: number; count: number }[] = [];
      for (const step of all) {
        const oldest = step === "give" ? held.shift() : undefined;
        if (oldest !== undefined) ranges.give(oldest.first);
        if (step === "give") continue;
        try {
          held.push({ first: ranges.take(step), count: step });
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }
      const places = held.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
      assert.equal(new Set(places).size, places.length);
      assert.ok(places.every((place) => place >= 0 && place < 64));
    }),
  );
});
