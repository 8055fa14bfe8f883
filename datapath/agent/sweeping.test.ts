import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sweepInterval } from "./sweeping.ts";

test("S-71: while a pod uses most of its allowance and entries are few, a sweep comes each second", () => {
  for (const cost of [0, 0.01, 5]) {
    assert.ok(sweepInterval({ entries: 50_000, pressed: true, cost }) < 1);
  }
});

test("S-71: sweeping takes at most 1 % of a core, 5 % while a pod is pressed, unless half a minute is over", () => {
  const loads = fc.record({
    entries: fc.integer({ min: 50_001, max: 4_000_000 }),
    pressed: fc.boolean(),
    cost: fc.double({ min: 0, max: 0.29, noNaN: true }),
  });
  fc.assert(
    fc.property(loads, (load) => {
      const share = load.cost / sweepInterval(load);
      assert.ok(share <= (load.pressed ? 0.05 : 0.01) + 1e-9, `${share}`);
    }),
  );
});

test("an entry whose time is up leaves within half a minute, however much a sweep costs", () => {
  assert.equal(sweepInterval({ entries: 4_000_000, pressed: false, cost: 100 }), 30);
});
