import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { type Sweepable, type SweepLoad, startSweeping, sweepInterval } from "../sweeping.ts";

const loads = fc.record({
  entries: fc.integer({ min: 0, max: 4_000_000 }),
  pressed: fc.boolean(),
  cost: fc.double({ min: 0, max: 100, noNaN: true }),
});

test("S-71: the pause between sweeps is never shorter than is needed for once a second, nor longer than half a minute", () => {
  fc.assert(
    fc.property(loads, (load) => {
      const interval = sweepInterval(load);
      assert.ok(interval >= 0.8 && interval <= 30, `${interval}`);
    }),
  );
});

test("a dearer sweep never comes sooner, and pressure never makes it later", () => {
  fc.assert(
    fc.property(loads, fc.double({ min: 0, max: 10, noNaN: true }), (load, more) => {
      assert.ok(sweepInterval({ ...load, cost: load.cost + more }) >= sweepInterval(load));
      assert.ok(sweepInterval({ ...load, pressed: true }) <= sweepInterval({ ...load, pressed: false }));
    }),
  );
});

test("S-71: the promise of one second ends with 50,000 entries, and then a share of a core is what counts", () => {
  const dear: Omit<SweepLoad, "entries"> = { pressed: true, cost: 1 };
  assert.equal(sweepInterval({ ...dear, entries: 50_000 }), 0.8);
  assert.equal(sweepInterval({ ...dear, entries: 50_001 }), 20);
});

/** How long what comes by itself is waited for, in milliseconds. */
const patience = 60_000;

async function until(met: () => boolean): Promise<void> {
  for (const end = performance.now() + patience; !met(); await pause(20)) {
    assert.ok(performance.now() < end, "it never came");
  }
}

const stops: (() => void)[] = [];
after(() => {
  for (const stop of stops) stop();
});

/** A table that counts what is asked of it; its first `failing` sweeps fail. */
function start(failing: number) {
  const seen = { sweeps: 0, beats: 0, errors: [] as string[] };
  const table: Sweepable = {
    load: () => ({ entries: 0, pressed: true }),
    beat: () => {
      seen.beats += 1;
    },
    sweep: () => {
      seen.sweeps += 1;
      if (seen.sweeps <= failing) throw new Error(`sweep ${seen.sweeps}`);
      return 0;
    },
  };
  const stop = startSweeping(table, (error) => seen.errors.push(String(error)));
  stops.push(stop);
  return { seen, stop };
}

test("a sweep that fails is reported, and the next one comes all the same", async () => {
  const { seen } = start(1);
  await until(() => seen.sweeps === 2);
  assert.deepEqual(seen.errors, ["Error: sweep 1"]);
  assert.ok(seen.beats > seen.sweeps, "the agent shows that it is there more often than it sweeps");
});

test("sweeping that is stopped neither sweeps nor beats", async () => {
  const { seen, stop } = start(0);
  await until(() => seen.beats > 0);
  stop();
  const before = { ...seen };
  await pause(1500);
  assert.deepEqual(seen, before);
});
