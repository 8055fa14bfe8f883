import assert from "node:assert/strict";
import { test } from "node:test";
import { systemTimers } from "../kube/timers.ts";
import { FakeTimers } from "../test/timers.ts";
import { type Batch, WorkQueue } from "./queue.ts";

const options = { interval: 100, backoff: { first: 1000, most: 4000 } };

function queueWith(timers: FakeTimers): WorkQueue {
  // The longest wait that chance can give.
  return new WorkQueue(timers, () => 0.999_999, options);
}

/** What the next batch is once it comes. */
function nextOf(queue: WorkQueue, signal = new AbortController().signal) {
  const taken: { batch?: Batch | undefined; done: boolean } = { done: false };
  void queue.take(signal).then((batch) => Object.assign(taken, { batch, done: true }));
  return taken;
}

test("a key is there once, however often it is added, and again when it comes during the work", async () => {
  const timers = new FakeTimers();
  const queue = queueWith(timers);
  for (const key of ["a", "b", "a"]) queue.add(key);
  const first = nextOf(queue);
  await timers.pass(0);
  assert.deepEqual(first.batch?.keys, ["a", "b"]);
  queue.add("a");
  assert.equal(queue.depth, 1);
  const second = nextOf(queue);
  await timers.pass(100);
  assert.deepEqual(second.batch?.keys, ["a"]);
});

test("two batches are at least an interval apart, and what comes meanwhile is one batch", async () => {
  const timers = new FakeTimers();
  const queue = queueWith(timers);
  queue.add("a");
  nextOf(queue);
  await timers.pass(0);
  const second = nextOf(queue);
  queue.add("b");
  await timers.pass(60);
  queue.add("c");
  await timers.pass(39);
  assert.equal(second.done, false);
  await timers.pass(1);
  assert.deepEqual(second.batch, { keys: ["b", "c"], waited: 100 });
});

test("a key that failed comes back later each time, and at once again after it was done", async () => {
  const timers = new FakeTimers();
  const queue = queueWith(timers);
  for (const wait of [1000, 2000, 4000, 4000]) {
    queue.retry(["a"]);
    const next = nextOf(queue);
    await timers.pass(wait - 10);
    assert.equal(next.done, false, `before ${wait}`);
    await timers.pass(10);
    assert.deepEqual(next.batch?.keys, ["a"]);
  }
  queue.done(["a"]);
  queue.retry(["a"]);
  const next = nextOf(queue);
  await timers.pass(1000);
  assert.equal(next.done, true);
});

test("a delayed key is due at the earliest of its times", async () => {
  const timers = new FakeTimers();
  const queue = queueWith(timers);
  queue.add("a", 5000);
  queue.add("a", 300);
  queue.add("a", 9000);
  const next = nextOf(queue);
  await timers.pass(299);
  assert.equal(next.done, false);
  await timers.pass(1);
  assert.equal(next.done, true);
});

test("waiting ends when it is told to stop", async () => {
  const timers = new FakeTimers();
  const stopping = new AbortController();
  const next = nextOf(queueWith(timers), stopping.signal);
  stopping.abort();
  await timers.pass(0);
  assert.deepEqual(next, { batch: undefined, done: true });
});

test("keys that failed together come back together, and not with one that had failed before", async () => {
  const timers = new FakeTimers();
  const chances = [0, 0.1, 0.2, 0.3];
  const queue = new WorkQueue(timers, () => chances.shift() ?? 0, options);
  queue.retry(["old"]);
  nextOf(queue);
  await timers.pass(1000);
  queue.retry(["a", "old", "b"]);
  const next = nextOf(queue);
  await timers.pass(1000);
  assert.deepEqual(next.batch?.keys.toSorted(), ["a", "b"]);
});

test("work that fails without waiting for anything lets timers and the network have their turn", async () => {
  const quick = { interval: 0, backoff: { first: 1, most: 1 } };
  const queue = new WorkQueue(systemTimers, Math.random, quick);
  const stop = new AbortController();
  queue.add("a");
  const timer = setTimeout(() => stop.abort(), 0);
  for (let rounds = 0; !stop.signal.aborted; rounds += 1) {
    assert.ok(rounds < 100, "the timer never had its turn");
    const batch = await queue.take(stop.signal);
    for (const key of batch?.keys ?? []) queue.add(key);
  }
  clearTimeout(timer);
});
