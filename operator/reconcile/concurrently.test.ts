import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { concurrently } from "./concurrently.ts";

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

test("every item is worked on once, begun in order, several at a time but not all", async () => {
  const begun: number[] = [];
  let underWay = 0;
  let most = 0;
  await concurrently(numbers(100), async (item) => {
    begun.push(item);
    underWay += 1;
    most = Math.max(most, underWay);
    await turn();
    underWay -= 1;
  });
  assert.deepEqual(begun, numbers(100));
  assert.equal(underWay, 0);
  assert.ok(most > 1 && most < 100, `${most} at a time`);
});

test("after a failure nothing more is begun, and the first one is told when nothing is under way any more", async () => {
  let underWay = 0;
  let begun = 0;
  const work = async (item: number): Promise<void> => {
    begun += 1;
    underWay += 1;
    for (let turns = 0; turns <= item; turns += 1) await turn();
    underWay -= 1;
    if (item === 2 || item === 5) throw new Error(`item ${item}`);
  };
  await assert.rejects(concurrently(numbers(1000), work), /^Error: item 2$/);
  assert.equal(underWay, 0);
  assert.ok(begun < 100, `${begun} begun`);
});

test("of nothing there is nothing to do", async () => {
  await concurrently([], () => assert.fail());
});
