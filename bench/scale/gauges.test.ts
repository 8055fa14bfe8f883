import assert from "node:assert/strict";
import { test } from "node:test";
import { sumMetrics } from "./gauges.ts";

test("values are summed over labels, and comments are none", () => {
  const text = [
    "# HELP rounds_total Rounds of work, by {outcome}.",
    "# TYPE rounds_total counter",
    'rounds_total{outcome="done"} 3',
    'rounds_total{outcome="failed"} 1.5e2',
    "depth 0",
    'seconds_bucket{le="+Inf"} 2',
    "seconds_sum 0.25",
    "",
  ].join("\n");
  const expected = { rounds_total: 153, depth: 0, seconds_bucket: 2, seconds_sum: 0.25 };
  assert.deepEqual(Object.fromEntries(sumMetrics(text)), expected);
});
