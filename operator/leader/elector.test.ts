import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTimers } from "../test/timers.ts";
import { Elector, NotLeading, type Term } from "./elector.ts";
import type { LeasePort, LeaseRecord, StoredLease } from "./lease.ts";

const options = { lease: 15_000, deadline: 10_000, retry: 2000 };

/** A lease in memory that can be out of reach. */
class MemoryLease implements LeasePort {
  stored: StoredLease | undefined;
  reachable = true;

  async read(): Promise<StoredLease | undefined> {
    if (!this.reachable) throw new Error("out of reach");
    return this.stored;
  }

  async write(record: LeaseRecord, resourceVersion: string | undefined): Promise<boolean> {
    if (!this.reachable) throw new Error("out of reach");
    if (this.stored?.resourceVersion !== resourceVersion) return false;
    this.stored = { ...record, resourceVersion: String(Number(resourceVersion ?? 0) + 1) };
    return true;
  }
}

/** One replica, and the term that it is in. */
function replica(identity: string, lease: LeasePort, timers: FakeTimers) {
  const stopping = new AbortController();
  const state: { term: Term | undefined; terms: number } = { term: undefined, terms: 0 };
  const elector = new Elector({
    lease,
    timers,
    chance: () => 0,
    now: () => new Date(timers.elapsed()).toISOString(),
    identity,
    options,
    onError: () => undefined,
  });
  const running = elector.run(stopping.signal, async (term) => {
    state.term = term;
    state.terms += 1;
    await new Promise<void>((resolve) => term.signal.addEventListener("abort", () => resolve(), { once: true }));
    state.term = undefined;
  });
  return { state, stop: () => stopping.abort(), running };
}

test("one of two leads, and keeps the lease as long as it renews it", async () => {
  const timers = new FakeTimers();
  const lease = new MemoryLease();
  const a = replica("a", lease, timers);
  const b = replica("b", lease, timers);
  await timers.pass(120_000);
  assert.deepEqual([a.state.terms, b.state.terms], [1, 0]);
  await a.state.term?.check();
  a.stop();
  b.stop();
  await timers.pass(2000);
  await Promise.all([a.running, b.running]);
});

test("a leader that cannot renew stops before another may lead", async () => {
  const timers = new FakeTimers();
  const lease = new MemoryLease();
  const a = replica("a", lease, timers);
  await timers.pass(5000);
  const { term } = a.state;
  lease.reachable = false;
  await timers.pass(8000);
  assert.equal(term?.signal.aborted, false);
  await timers.pass(2000);
  await assert.rejects(async () => term?.check(), NotLeading);
  await timers.pass(2000);
  assert.equal(term?.lost.aborted, true);
  lease.reachable = true;
  await timers.pass(3000);
  assert.equal(a.state.terms, 2, "it takes part again");
  a.stop();
  await timers.pass(0);
  await a.running;
});

test("a leader that was busy past its deadline renews before it writes on, once for all writes", async () => {
  const timers = new FakeTimers();
  const lease = new MemoryLease();
  const a = replica("a", lease, timers);
  await timers.pass(0);
  const { term } = a.state;
  await term?.check();
  assert.equal(lease.stored?.resourceVersion, "1");
  timers.elapsed = () => 60_000;
  await Promise.all([term?.check(), term?.check()]);
  assert.equal(lease.stored?.resourceVersion, "2");
  assert.equal(term?.signal.aborted, false);
  a.stop();
  await timers.pass(0);
  await a.running;
});

test("one that was suspended past its deadline writes nothing where another leads by now, or nobody can tell", async () => {
  for (const happened of ["taken", "out of reach"]) {
    const timers = new FakeTimers();
    const lease = new MemoryLease();
    const a = replica("a", lease, timers);
    await timers.pass(0);
    const { term } = a.state;
    timers.elapsed = () => 60_000;
    if (happened === "taken" && lease.stored !== undefined)
      lease.stored = { ...lease.stored, holder: "b", resourceVersion: "9" };
    else lease.reachable = false;
    await assert.rejects(async () => term?.check(), NotLeading, happened);
    a.stop();
    await timers.pass(0);
    await a.running;
  }
});

test("the lease of one that is gone is taken when it ran out by our own clock, not before", async () => {
  const timers = new FakeTimers();
  const lease = new MemoryLease();
  // Its clock is far ahead: what it wrote says nothing about when it wrote it.
  lease.stored = {
    holder: "gone",
    durationSeconds: 15,
    acquireTime: "2099-01-01T00:00:00Z",
    renewTime: "2099-01-01T00:00:00Z",
    transitions: 3,
    resourceVersion: "7",
  };
  const a = replica("a", lease, timers);
  await timers.pass(14_999);
  assert.equal(a.state.terms, 0);
  await timers.pass(2000);
  assert.equal(a.state.terms, 1);
  assert.equal(lease.stored.transitions, 4);
  a.stop();
  await timers.pass(0);
  await a.running;
});

test("one that stops gives the lease up, and only its own", async () => {
  const timers = new FakeTimers();
  const lease = new MemoryLease();
  const a = replica("a", lease, timers);
  await timers.pass(0);
  a.stop();
  await timers.pass(0);
  await a.running;
  assert.equal(lease.stored?.holder, "");
});
