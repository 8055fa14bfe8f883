import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionRow } from "../../semantics/observation.ts";
import type { Verdict } from "../../semantics/verdict.ts";
import type { Metrics, Sighting } from "../engine/ports.ts";
import { checkConnections, checkMetrics, checkOutcome, decisiveSighting, type Outcome } from "./check.ts";
import { metricNames } from "./expectation.ts";

const passed: Verdict = { pass: true, reason: "rule", tracking: "tracked" };
const dropped: Verdict = { pass: false, reason: "no-rule", tracking: "none" };
const sighting = (uid: string, direction: Sighting["direction"], verdict = passed): Sighting => ({
  uid,
  direction,
  verdict,
});

test("the verdict is of who dropped, else of the pod that is named, else of the receiver, else of the sender", () => {
  const [sender, receiver] = [sighting("a", "egress"), sighting("b", "ingress")];
  const drop = sighting("b", "ingress", dropped);
  assert.equal(decisiveSighting([sender, drop], "a"), drop);
  assert.equal(decisiveSighting([sender, receiver], "a"), sender);
  assert.equal(decisiveSighting([sender, receiver], undefined), receiver);
  assert.equal(decisiveSighting([sender], undefined), sender);
  assert.equal(decisiveSighting([sender, receiver], "c"), receiver);
  assert.equal(decisiveSighting([], "a"), undefined);
});

const outcome = (result: boolean | number, verdict: Verdict | undefined = passed): Outcome => ({
  word: "delivered",
  result,
  verdict,
  sighting: undefined,
});

test("an outcome is held against what is expected, and no more", () => {
  assert.equal(checkOutcome(outcome(true), {}), undefined);
  assert.equal(checkOutcome(outcome(true), { delivered: true, tracking: "tracked", reason: "rule" }), undefined);
  assert.deepEqual(checkOutcome(outcome(false, dropped), { delivered: true }), {
    expected: "delivered true",
    happened: "delivered false, tracking none, reason no-rule",
  });
  assert.deepEqual(checkOutcome(outcome(true), { tracking: "untracked" })?.expected, "tracking untracked");
  assert.equal(checkOutcome(outcome(99), { delivered: 99 }), undefined);
  assert.notEqual(checkOutcome(outcome(98), { delivered: 99 }), undefined);
});

test("one packet may be counted: a number expected of it is 0 or 1", () => {
  assert.equal(checkOutcome(outcome(true), { delivered: 1 }), undefined);
  assert.notEqual(checkOutcome(outcome(false), { delivered: 1 }), undefined);
});

test("without a verdict no reason is right", () => {
  assert.match(
    checkOutcome({ ...outcome(true), verdict: undefined }, { reason: "rule" })?.happened ?? "",
    /reason no verdict/,
  );
});

test("metrics that differ are named, others are not", () => {
  const zero = Object.fromEntries(metricNames.map((name) => [name, 0])) as Metrics;
  assert.equal(checkMetrics(zero, { conntrack_used: 0 }), undefined);
  assert.deepEqual(checkMetrics({ ...zero, conntrack_used: 2 }, { conntrack_used: 1, conntrack_table_full: 0 }), {
    expected: "conntrack_used 1",
    happened: "conntrack_used 2",
  });
});

const row = (fields: Partial<ConnectionRow> = {}): ConnectionRow => ({
  protocol: 6,
  family: 4,
  remote: "203.0.113.1",
  local: "10.244.0.10",
  port: 22,
  remotePort: 40_000,
  state: "established",
  origin: "remote",
  idle: 0,
  remaining: 350,
  ...fields,
});

const addressesOf = (remote: string): readonly string[] =>
  remote === "client" ? ["203.0.113.1", "2001:db8::1"] : [remote];

test("a table is the wanted rows, in any order, no more and no fewer", () => {
  const rows = [row(), row({ port: 80, state: "opening" })];
  const wanted = [
    { protocol: 6, port: 80, remote: "client" },
    { protocol: 6, port: 22, remote: "203.0.113.1" },
  ];
  assert.equal(checkConnections(rows, wanted, addressesOf), undefined);
  assert.notEqual(checkConnections(rows, wanted.slice(1), addressesOf), undefined);
  assert.notEqual(checkConnections(rows.slice(1), wanted, addressesOf), undefined);
  assert.equal(checkConnections([], [], addressesOf), undefined);
});

test("a wanted row that fits several takes the one that no other can have", () => {
  const rows = [row({ port: 22 }), row({ port: 80 })];
  const loose = { protocol: 6, remote: "client" };
  const strict = { protocol: 6, remote: "client", port: 22 };
  assert.equal(checkConnections(rows, [loose, strict], addressesOf), undefined);
  assert.notEqual(checkConnections(rows, [strict, strict], addressesOf), undefined);
});

for (const [field, value] of [
  ["protocol", 17],
  ["port", 23],
  ["remotePort", 40_001],
  ["state", "closing"],
  ["family", 6],
  ["remote", "198.51.100.1"],
] as const) {
  test(`a row with another ${field} does not fit`, () => {
    const wanted = {
      protocol: 6,
      remote: "client",
      port: 22,
      remotePort: 40_000,
      state: "established",
      family: 4,
    } as const;
    assert.equal(checkConnections([row()], [wanted], addressesOf), undefined);
    assert.notEqual(checkConnections([row()], [{ ...wanted, [field]: value }], addressesOf), undefined);
  });
}
