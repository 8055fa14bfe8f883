import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type { Allowances, Direction } from "../../semantics/policy.ts";
import type { Reason } from "../../semantics/verdict.ts";
import { waitFor } from "../engine/kernel/patience.ts";
import { Arena } from "./arena.ts";
import { attacker, attackerRules, outside, type Pod, victim, victimRules } from "./cast.ts";
import { flag, ip4, tcp, udp } from "./frame.ts";
import { race } from "./race.ts";

const each = 3000;
const maximum = 2000;
const timeouts = { tcpEstablished: 350, udpStream: 180, udp: 30 };

const arena = await Arena.open();
after(() => arena.close());
beforeEach(() => arena.reset());

const program = (allowances: Partial<Allowances>) =>
  arena.program([
    { pod: attacker, rules: attackerRules, allowances },
    { pod: victim, rules: victimRules, allowances },
  ]);

const syns = (base: number, key = (index: number) => base + index): Uint8Array[] =>
  Array.from({ length: each }, (_, index) =>
    ip4(arena.route(attacker, outside), tcp({ from: key(index), to: 443, flags: flag.SYN })),
  );

/** A pod's packets by reason, once so many have been judged. */
async function settled(pod: Pod, direction: Direction, packets: number): Promise<Partial<Record<Reason, number>>> {
  let counts: Partial<Record<Reason, number>> = {};
  await waitFor(async () => {
    counts = (await arena.metrics(pod)).packets[direction];
    return Object.values(counts).reduce((sum, count) => sum + count, 0) >= packets;
  }, 5000);
  return counts;
}

test("S-71: two CPUs that race to the maximum make exactly as many entries as the pod may have", async () => {
  await program({ conntrackMax: maximum });
  await race(arena, [
    { from: attacker, packets: syns(1) },
    { from: attacker, packets: syns(20_000) },
  ]);
  const counts = await settled(attacker, "egress", 2 * each);
  assert.deepEqual([counts.rule, counts["conntrack-allowance"]], [maximum, 2 * each - maximum]);
  const metrics = await arena.metrics(attacker);
  assert.equal(metrics.conntrack_allowance_exceeded, 2 * each - maximum);
  assert.deepEqual([metrics.conntrack_used, metrics.conntrack_allowance_available], [maximum, 0]);
  assert.equal((await arena.connections(attacker)).length, maximum);
});

test("S-71: the same flows begun on two CPUs at once make one entry each", async () => {
  await program({ conntrackMax: 2 * each });
  await race(arena, [
    { from: attacker, packets: syns(1) },
    { from: attacker, packets: syns(1, (index) => each - index) },
  ]);
  const counts = await settled(attacker, "egress", 2 * each);
  assert.deepEqual([counts.rule, counts.connection], [each, each]);
  const { conntrack_used } = await arena.metrics(attacker);
  assert.deepEqual([conntrack_used, (await arena.connections(attacker)).length], [each, each]);
});

test("S-71: expired entries that two CPUs and the sweep meet at once leave the count exactly once", async () => {
  await program({ conntrackMax: 2 * each });
  await race(arena, [{ from: attacker, packets: syns(1) }]);
  await settled(attacker, "egress", each);
  // Each advance sweeps, while the flows are begun anew.
  const again = [syns(1), syns(1, (index) => each - index)].map((packets) => ({ from: attacker, packets }));
  await race(arena, again, () => arena.advance(30));
  await settled(attacker, "egress", 3 * each);
  const { conntrack_used } = await arena.metrics(attacker);
  const live = (await arena.connections(attacker)).length;
  await arena.advance(0);
  assert.equal((await arena.metrics(attacker)).conntrack_used, live);
  assert.ok(conntrack_used >= live);
  await arena.advance(400);
  assert.equal((await arena.metrics(attacker)).conntrack_used, 0);
});

test("S-71: dead entries that no rule wants leave the count exactly once, whoever finds them", async () => {
  await program({ conntrackMax: each, timeouts: { ...timeouts, udp: 60 } });
  const packets = Array.from({ length: each }, (_, index) => ip4(arena.route(attacker, outside), udp(1 + index, 53)));
  await race(arena, [{ from: attacker, packets }]);
  await settled(attacker, "egress", each);
  await arena.advance(40);
  await arena.program([
    { pod: attacker, rules: [], allowances: { conntrackMax: each, timeouts } },
    { pod: victim, rules: victimRules },
  ]);
  const runner = { from: attacker, packets };
  await race(arena, [runner, runner], () => arena.agent.control.sweep());
  const counts = await settled(attacker, "egress", 3 * each);
  assert.equal(counts["no-rule"], 2 * each);
  const { conntrack_used, conntrack_allowance_available } = await arena.metrics(attacker);
  assert.deepEqual([conntrack_used, conntrack_allowance_available], [0, each]);
});

test("S-71: a pod's two directions share its maximum exactly", async () => {
  await program({ conntrackMax: maximum });
  const inward = Array.from({ length: each }, (_, index) =>
    ip4(arena.route(outside, victim), tcp({ from: 1 + index, to: 80, flags: flag.SYN })),
  );
  const outward = Array.from({ length: each }, (_, index) =>
    ip4(arena.route(victim, outside), tcp({ from: 20_000 + index, to: 443, flags: flag.SYN })),
  );
  await race(arena, [
    { from: outside, packets: inward },
    { from: victim, packets: outward },
  ]);
  const into = await settled(victim, "ingress", each);
  const out = await settled(victim, "egress", each);
  assert.equal((into.rule ?? 0) + (out.rule ?? 0), maximum);
  assert.equal((await arena.connections(victim)).length, maximum);
  assert.equal((await arena.metrics(victim)).conntrack_allowance_exceeded, 2 * each - maximum);
});

const datagram = () => ip4(arena.route(attacker, outside), udp(7, 53, new Uint8Array(8)));
/** Ethernet, IP and UDP headers and the payload of a datagram. */
const datagramBytes = 14 + 20 + 8 + 8;

test("S-74: two CPUs take exactly the burst out of one bucket of packets", async () => {
  await program({ packets: { perSecond: 1, burst: maximum } });
  const packets = Array.from({ length: each }, datagram);
  await race(arena, [
    { from: attacker, packets },
    { from: attacker, packets },
  ]);
  const counts = await settled(attacker, "egress", 2 * each);
  assert.equal((counts.rule ?? 0) + (counts.connection ?? 0), maximum);
  assert.equal(counts["packet-allowance"], 2 * each - maximum);
  assert.equal((await arena.metrics(attacker)).pps_allowance_exceeded, 2 * each - maximum);
});

test("S-74: two CPUs take exactly the burst out of one bucket of bytes, and each direction has its own", async () => {
  const bandwidth = { perSecond: 8, burst: maximum * datagramBytes + datagramBytes - 1 };
  await program({ bandwidthOut: bandwidth, bandwidthIn: bandwidth });
  const packets = Array.from({ length: each }, datagram);
  const replies = Array.from({ length: each }, () =>
    ip4(arena.route(outside, attacker), udp(53, 7, new Uint8Array(8))),
  );
  await race(arena, [
    { from: attacker, packets },
    { from: attacker, packets },
    { from: outside, packets: replies },
  ]);
  const out = await settled(attacker, "egress", 2 * each);
  assert.equal((out.rule ?? 0) + (out.connection ?? 0), maximum);
  const into = await settled(attacker, "ingress", each);
  assert.equal(into["bandwidth-allowance"], each - maximum);
  const metrics = await arena.metrics(attacker);
  assert.deepEqual(
    [metrics.bw_out_allowance_exceeded, metrics.bw_in_allowance_exceeded],
    [2 * each - maximum, each - maximum],
  );
});
