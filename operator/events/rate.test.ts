import assert from "node:assert/strict";
import { test } from "node:test";
import { ObjectRate } from "./rate.ts";

const options = { burst: 2, refill: 100, objects: 3 };

test("a bucket fills again to its burst and no further", () => {
  const rate = new ObjectRate(options);
  const taken = (now: number) => [1, 2, 3].filter(() => rate.take("a", now)).length;
  assert.deepEqual([0, 99, 100, 199, 350, 100_000].map(taken), [2, 0, 1, 0, 2, 2]);
});

test("more objects than are remembered push out those whose buckets are full, then the one silent longest", () => {
  const rate = new ObjectRate(options);
  for (const uid of ["a", "b", "b", "c", "c", "a"]) rate.take(uid, 0);
  assert.ok(rate.take("d", 1));
  assert.equal(rate.size, 3);
  assert.ok(rate.take("b", 1), "it was silent longest, so it begins anew");
  assert.ok(!rate.take("a", 1), "it was not forgotten");
  for (const uid of ["e", "f"]) rate.take(uid, 10_000);
  assert.equal(rate.size, 2);
});
