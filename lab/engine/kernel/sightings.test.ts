import assert from "node:assert/strict";
import { test } from "node:test";
import type { VerdictRecord } from "../../../datapath/agent/control.ts";
import type { Reason } from "../../../semantics/verdict.ts";
import { client, free, web } from "../test/fixture.ts";
import { droppedPacket, firstPacket, lastPacket, progressOf } from "./sightings.ts";

type Line = `${"web" | "free"} ${"egress" | "ingress"} ${Reason}`;

const drops: ReadonlySet<string> = new Set(["no-rule", "spoofed"]);

const records = (...lines: readonly Line[]): VerdictRecord[] =>
  lines.map((line) => {
    const [name, direction, reason] = line.split(" ") as [string, "egress" | "ingress", Reason];
    return { uid: `uid-${name}`, direction, reason, pass: !drops.has(reason), tracking: "none" };
  });

const seen = (sightings: ReturnType<typeof lastPacket>): string[] =>
  sightings.map(({ uid, direction, verdict }) => `${uid.replace("uid-", "")} ${direction} ${verdict.reason}`);

const between = { from: free, to: web };

test("packets are judged once each has met the last endpoint that it will meet", () => {
  const half = records("free egress unfiltered", "free egress spoofed");
  assert.deepEqual(progressOf(half, between, 2), { judged: false, passed: 0 });
  const whole = [...half, ...records("web ingress rule")];
  assert.deepEqual(progressOf(whole, between, 2), { judged: true, passed: 1 });
  assert.deepEqual(progressOf(whole, between, 3), { judged: false, passed: 1 });
});

test("where one end is no pod, the other one's verdicts are all there is", () => {
  const entering = records("web ingress rule", "web ingress no-rule");
  assert.deepEqual(progressOf(entering, { from: client, to: web }, 2), { judged: true, passed: 1 });
  const leaving = records("web egress rule", "web egress no-rule");
  assert.deepEqual(progressOf(leaving, { from: web, to: client }, 2), { judged: true, passed: 1 });
  assert.equal(progressOf(leaving, { from: client, to: client }, 2), undefined);
});

test("the last packet's sightings end where it was dropped", () => {
  const all = records("free egress unfiltered", "web ingress rule", "free egress spoofed");
  assert.deepEqual(seen(lastPacket(all, between)), ["free egress spoofed"]);
  assert.deepEqual(seen(lastPacket(all.slice(0, 2), between)), ["free egress unfiltered", "web ingress rule"]);
});

test("the first packet of a conversation comes after its neighbour discovery", () => {
  const all = records("web egress exempt", "web ingress exempt", "web egress rule", "free ingress unfiltered");
  assert.deepEqual(seen(firstPacket(all, { from: web, to: free })), ["web egress rule", "free ingress unfiltered"]);
});

test("a conversation that is exempt itself shows that", () => {
  assert.deepEqual(seen(firstPacket(records("web ingress exempt"), { from: client, to: web })), ["web ingress exempt"]);
});

test("a dropped packet is told with its sender's verdict, also when it was an answer", () => {
  const request = records("free egress unfiltered", "web ingress no-rule");
  assert.deepEqual(seen(droppedPacket(request, between)), ["free egress unfiltered", "web ingress no-rule"]);
  const answer = records("web egress rule", "free ingress unfiltered", "free egress unfiltered", "web ingress no-rule");
  assert.deepEqual(seen(droppedPacket(answer, { from: web, to: free })), [
    "free egress unfiltered",
    "web ingress no-rule",
  ]);
  assert.deepEqual(seen(droppedPacket(records("web ingress rule", "web egress no-rule"), between)), [
    "web egress no-rule",
  ]);
  assert.deepEqual(droppedPacket(records("web ingress rule"), between), []);
});
