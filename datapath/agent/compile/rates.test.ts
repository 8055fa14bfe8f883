import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { constants } from "../abi.generated.ts";
import { type Bucket, bucketOf, compileRates, hasRates } from "./rates.ts";

const timeouts = { tcpEstablished: 350, udpStream: 180, udp: 30 };

/** Time that `units` cost, as rates.h works it out. */
function priceOf({ cost, shift }: Bucket, units: number): bigint {
  return (BigInt(units) * cost) >> BigInt(shift);
}

function second(ticks: number): bigint {
  return BigInt(ticks) << BigInt(constants.BUCKET_SHIFT);
}

test("S-74: no rate is no bucket, and a rate of nothing holds not even one unit", () => {
  assert.equal(bucketOf(undefined, 0n, 250).shift, constants.NO_LIMIT);
  const closed = bucketOf({ perSecond: 0, burst: 100 }, 0n, 250);
  assert.ok(closed.shift !== constants.NO_LIMIT);
  assert.ok(priceOf(closed, 1) > closed.depth);
});

test("S-74: a burst fits exactly, and a unit more does not", () => {
  const rate = fc.record({
    perSecond: fc.integer({ min: 1, max: 100_000_000 }),
    burst: fc.integer({ min: 1, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(rate, fc.constantFrom(100, 250, 1000), (one, ticks) => {
      const bucket = bucketOf(one, BigInt(one.perSecond), ticks);
      assert.ok(priceOf(bucket, one.burst) <= bucket.depth);
      assert.ok(priceOf(bucket, one.burst + 1) > bucket.depth);
    }),
  );
});

test("S-75: a second's units take a second, to a millionth, at every rate and HZ", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400_000 }), fc.constantFrom(100, 250, 1000), (perSecond, ticks) => {
      const bucket = bucketOf({ perSecond, burst: 1 }, BigInt(perSecond), ticks);
      const error = second(ticks) - priceOf(bucket, perSecond);
      assert.ok(error >= 0n && error * 1_000_000n <= second(ticks), `${error}`);
    }),
  );
});

test("S-75: bandwidth is bits per second and its burst bytes", () => {
  const allowances = { conntrackMax: 1, timeouts, bandwidthOut: { perSecond: 8_000, burst: 1500 } };
  const { bandwidthOut, bandwidthIn, packets, linkLocal } = compileRates(allowances, 250);
  assert.deepEqual(
    [bandwidthIn, packets, linkLocal].map(({ shift }) => shift),
    [constants.NO_LIMIT, constants.NO_LIMIT, constants.NO_LIMIT],
  );
  const price = priceOf(bandwidthOut, 1000);
  assert.ok(second(250) - price >= 0n && (second(250) - price) * 1_000_000n <= second(250));
  assert.ok(priceOf(bandwidthOut, 1500) <= bandwidthOut.depth && priceOf(bandwidthOut, 1501) > bandwidthOut.depth);
});

test("the largest packet's price fits 64 bits at every rate", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 1n << 40n }), (perSecond) => {
      const { cost } = bucketOf({ perSecond: 1, burst: 1 }, perSecond, 1000);
      assert.ok(cost * 8n < 1n << 64n);
      assert.ok(BigInt(65_536 + 14) * cost * 8n < 1n << 64n);
    }),
  );
});

test("an endpoint has rates when one of the four is set", () => {
  const none = { conntrackMax: 1, timeouts };
  assert.equal(hasRates(none), false);
  for (const name of ["bandwidthIn", "bandwidthOut", "packets", "linkLocal"] as const) {
    assert.equal(hasRates({ ...none, [name]: { perSecond: 0, burst: 0 } }), true);
  }
});
