import assert from "node:assert/strict";
import { test } from "node:test";
import { runKills } from "./kills.ts";

test("an agent that is killed in the midst of rule changes cuts no connection, and opens none that no rules permit", async () => {
  const { exchanges, lost, opened, refused, forbidden, tried, kills } = await runKills(6, Math.random, () => {});
  assert.equal(kills, 6);
  assert.deepEqual({ lost, refused, forbidden }, { lost: 0, refused: 0, forbidden: 0 });
  assert.ok(exchanges > 0 && opened > 0 && tried > 0, `${exchanges} exchanges, ${opened} opened, ${tried} tried`);
});
