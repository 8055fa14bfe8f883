import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { constants } from "./abi.generated.ts";
import { runningClock, standingClock, stateTimeouts, ticksOf } from "./clock.ts";

const hertz = [100, 250, 300, 1000] as const;

test("S-38: a timeout is never early, and late by less than one tick", () => {
  fc.assert(
    fc.property(fc.constantFrom(...hertz), fc.double({ min: 0.25, max: 432_000, noNaN: true }), (hz, seconds) => {
      const clock = runningClock(hz);
      const ticks = ticksOf(clock, seconds);
      assert.ok(ticks / clock.perSecond >= seconds);
      assert.ok((ticks - 1) / clock.perSecond < seconds);
    }),
  );
});

test("ticks of a running clock are whole jiffies and about a quarter second", () => {
  for (const hz of hertz) {
    const { shift, perSecond } = runningClock(hz);
    assert.equal(perSecond, hz / 2 ** shift);
    assert.ok(perSecond >= 2.8 && perSecond <= 5.7, `${hz} Hz: ${perSecond} ticks a second`);
  }
});

test("S-35: the longest timeout stays far below half of the 32 bits that ages are told by", () => {
  for (const hz of hertz) {
    assert.ok(ticksOf(runningClock(hz), 432_000) < 2 ** 30);
  }
});

test("a standing clock has exactly four ticks a second", () => {
  assert.deepEqual(
    [0.25, 1, 350].map((seconds) => ticksOf(standingClock, seconds)),
    [1, 4, 1400],
  );
});

test("S-32, S-35, S-36, S-39: every state has its timeout, and a claimed entry none", () => {
  const timeouts = stateTimeouts(standingClock, { tcpEstablished: 350, udpStream: 180, udp: 31 });
  const seconds = (state: keyof typeof constants) => (timeouts[constants[state]] ?? Number.NaN) / 4;
  assert.deepEqual(
    {
      claimed: seconds("STATE_CLAIMED"),
      opening: seconds("STATE_OPENING"),
      established: seconds("STATE_ESTABLISHED"),
      closing: seconds("STATE_CLOSING"),
      datagram: seconds("STATE_DATAGRAM"),
      stream: seconds("STATE_STREAM"),
      echo: seconds("STATE_ECHO"),
      generic: seconds("STATE_GENERIC"),
    },
    {
      claimed: 0,
      opening: 30,
      established: 350,
      closing: 10,
      datagram: 31,
      stream: 180,
      echo: 30,
      generic: 600,
    },
  );
  assert.equal(timeouts.length, constants.STATES);
});
