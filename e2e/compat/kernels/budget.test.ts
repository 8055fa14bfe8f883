import assert from "node:assert/strict";
import { test } from "node:test";
import { describeCounts, overBudget, readBudget } from "./budget.ts";

test("a program over the budget is named with both numbers and a remedy", () => {
  assert.deepEqual(overBudget({ small: 700, large: 701 }, { budget: 700 }), [
    "large takes the verifier 701 instructions, 1 over the budget of 700: " +
      "put a part of it into a function that is not inlined, or take branches out of it",
  ]);
});

test("counts are told with their change against the table", () => {
  assert.deepEqual(describeCounts("6.1", { a: 110, b: 5 }, { kernels: { "6.1": { a: 100 } } }), [
    "6.1 a 110 (10.0 %)",
    "6.1 b 5 (not in the table)",
  ]);
});

test("the committed table is within its own budget, on every kernel that is tested", () => {
  const table = readBudget();
  assert.ok(table.budget < 1_000_000);
  assert.deepEqual(Object.keys(table.kernels).sort(), ["6.1", "6.12"]);
  for (const counts of Object.values(table.kernels)) assert.deepEqual(overBudget(counts, table), []);
});
