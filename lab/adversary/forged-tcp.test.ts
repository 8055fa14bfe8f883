import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type { Machine } from "../engine/ports.ts";
import { conversation } from "../engine/test/fixture.ts";
import { Arena, reasons } from "./arena.ts";
import { attacker, attackerRules, outside, usual, victim, victimRules } from "./cast.ts";
import { flag, icmp, ip4, tcp } from "./frame.ts";

const arena = await Arena.open();
after(() => arena.close());
beforeEach(() => arena.reset());

/** Far outside of any window. */
const halfTheSpace = 0x8000_0000;

interface Segment {
  readonly from: Machine;
  readonly to: Machine;
  readonly ports: readonly [from: number, to: number];
  readonly flags: number;
  readonly sequence?: number;
}

const segment = ({ from, to, ports, flags, sequence }: Segment): Uint8Array =>
  ip4(
    arena.route(from, to),
    tcp({ from: ports[0], to: ports[1], flags, ...(sequence === undefined ? {} : { sequence }) }),
  );

async function say(segments: Segment): Promise<string[]> {
  const records = await arena.fire(segments.from, segments.to, [segment(segments)]);
  return [
    ...reasons(records, attacker, segments.from === attacker ? "egress" : "ingress"),
    ...reasons(records, victim, segments.from === victim ? "egress" : "ingress"),
  ];
}

/** A handshake of the attacker's with the outside, with the sequence numbers of a real one. */
async function handshake(port: number): Promise<void> {
  const out = { from: attacker, to: outside, ports: [port, 443] } as const;
  const back = { from: outside, to: attacker, ports: [443, port] } as const;
  await say({ ...out, flags: flag.SYN, sequence: 999 });
  await say({ ...back, flags: flag.SYN | flag.ACK, sequence: 0 });
  await say({ ...out, flags: flag.ACK, sequence: 1000 });
}

for (const [where, sequence] of [
  ["in window", 1000],
  ["out of window", 1000 + halfTheSpace],
] as const)
  test(`conventions 1 (calico#13457, #13880): forged RSTs ${where} free no slot (S-39)`, async () => {
    await arena.program([{ pod: attacker, rules: attackerRules, allowances: { conntrackMax: 3 } }, ...usual.slice(1)]);
    for (const port of [1, 2, 3]) await handshake(port);
    const rst = { from: attacker, to: outside, flags: flag.RST, sequence } as const;
    for (const port of [1, 2, 3]) assert.deepEqual(await say({ ...rst, ports: [port, 443] }), ["connection"]);
    assert.deepEqual(await arena.states(attacker), ["6 1 closing", "6 2 closing", "6 3 closing"]);
    const fourth = { from: attacker, to: outside, ports: [4, 443], flags: flag.SYN } as const;
    assert.deepEqual(await say(fourth), ["conntrack-allowance"]);
    const { conntrack_used, conntrack_allowance_available } = await arena.metrics(attacker);
    assert.deepEqual([conntrack_used, conntrack_allowance_available], [3, 0]);
    await arena.advance(9);
    assert.deepEqual(await say(fourth), ["conntrack-allowance"]);
    await arena.advance(1);
    assert.deepEqual(await say(fourth), ["rule"]);
  });

test("S-39: a RST that the ends ignored hides no busy connection: it counts for as long as it speaks", async () => {
  await handshake(1);
  await say({ from: attacker, to: outside, ports: [1, 443], flags: flag.RST, sequence: halfTheSpace });
  for (let turn = 0; turn < 5; turn++) {
    await arena.advance(9);
    assert.deepEqual(await say({ from: outside, to: attacker, ports: [443, 1], flags: flag.ACK }), ["connection"]);
    assert.equal((await arena.metrics(attacker)).conntrack_used, 1);
  }
});

test("conventions 2 (calico#13956): one FIN hides no live connection (S-39)", async () => {
  await handshake(1);
  const fin = { from: attacker, to: outside, ports: [1, 443], flags: flag.FIN | flag.ACK } as const;
  for (const sequence of [1000, 1000, 1001, halfTheSpace]) await say({ ...fin, sequence });
  assert.deepEqual(await arena.states(attacker), ["6 1 established"]);
  await arena.advance(349);
  assert.deepEqual(await say({ from: outside, to: attacker, ports: [443, 1], flags: flag.ACK }), ["connection"]);
  assert.equal((await arena.metrics(attacker)).conntrack_used, 1);
});

test("FINs of both ends keep the slot until the entry is gone (S-39)", async () => {
  await handshake(1);
  await say({ from: attacker, to: outside, ports: [1, 443], flags: flag.FIN | flag.ACK });
  await say({ from: outside, to: attacker, ports: [443, 1], flags: flag.FIN | flag.ACK });
  assert.deepEqual(await arena.states(attacker), ["6 1 closing"]);
  await arena.advance(9.75);
  assert.equal((await arena.metrics(attacker)).conntrack_used, 1);
  await arena.advance(0.25);
  assert.equal((await arena.metrics(attacker)).conntrack_used, 0);
});

test("a RST or FIN in the name of another pod, or with its own name, touches no connection of that pod", async () => {
  assert.equal(await arena.connect(conversation("c", [outside, victim], 6, 80)), true);
  for (const flags of [flag.RST, flag.FIN | flag.ACK]) {
    const forged = ip4(arena.route(victim, outside), tcp({ from: 80, to: 50_000, flags }));
    const sent = await arena.fire(attacker, outside, [forged]);
    assert.deepEqual(reasons(sent, attacker, "egress"), ["spoofed"]);
    const inward = ip4(arena.route(outside, victim), tcp({ from: 50_000, to: 80, flags }));
    assert.deepEqual(reasons(await arena.fire(attacker, victim, [inward]), attacker, "egress"), ["spoofed"]);
    await say({ from: attacker, to: victim, ports: [50_000, 80], flags });
  }
  assert.deepEqual(await arena.states(victim), ["6 80 established"]);
  assert.equal(await arena.exchange("c"), true);
});

test("S-40: an ACK flood holds slots of the pod's own for 30 s, and none that only one direction's rules permit", async () => {
  const acks = (to: Machine, from: number): Uint8Array[] =>
    Array.from({ length: 200 }, (_, index) =>
      segment({ from: attacker, to, ports: [from, 20_000 + index], flags: flag.ACK }),
    );
  await arena.fire(attacker, outside, acks(outside, 9));
  assert.equal((await arena.metrics(attacker)).conntrack_used, 0);
  // 8080 is open to the outside: both directions permit it.
  await arena.fire(attacker, outside, acks(outside, 8080));
  assert.equal((await arena.metrics(attacker)).conntrack_used, 200);
  // The other side's plain SYN is no answer to an ACK.
  await say({ from: outside, to: attacker, ports: [20_000, 8080], flags: flag.SYN });
  await arena.advance(29.75);
  assert.equal((await arena.metrics(attacker)).conntrack_used, 200);
  await arena.advance(0.25);
  assert.equal((await arena.metrics(attacker)).conntrack_used, 0);
});

test("S-40: an ACK flood at a pod makes no entry there", async () => {
  const flood = Array.from({ length: 300 }, (_, index) =>
    segment({ from: attacker, to: victim, ports: [20_000 + index, 80], flags: flag.ACK }),
  );
  const sent = await arena.fire(attacker, victim, flood);
  assert.equal(reasons(sent, victim, "ingress").filter((reason) => reason === "rule").length, 300);
  assert.deepEqual([(await arena.metrics(victim)).conntrack_used, (await arena.connections(victim)).length], [0, 0]);
});

test("S-40: a RST in mid-stream makes no entry, a FIN makes one that the answer's FIN closes", async () => {
  const out = { from: attacker, to: outside, ports: [8080, 7] } as const;
  const back = { from: outside, to: attacker, ports: [7, 8080] } as const;
  await say({ ...out, flags: flag.RST });
  assert.deepEqual(await arena.states(attacker), []);
  await say({ ...out, flags: flag.FIN | flag.ACK });
  assert.deepEqual(await arena.states(attacker), ["6 8080 opening"]);
  await say({ ...back, flags: flag.FIN | flag.ACK });
  assert.deepEqual(await arena.states(attacker), ["6 8080 closing"]);
});

test("S-39: a SYN that the rules no longer permit neither reopens a closing entry nor keeps it", async () => {
  const syn = { from: outside, to: attacker, ports: [7, 8080], flags: flag.SYN } as const;
  await say(syn);
  await say({ ...syn, flags: flag.RST });
  await arena.program([
    { pod: attacker, rules: [] },
    { pod: victim, rules: victimRules },
  ]);
  await arena.advance(9);
  assert.deepEqual(await say(syn), ["no-rule"]);
  await arena.advance(1);
  assert.equal((await arena.metrics(attacker)).conntrack_used, 0);
});

test("conventions 10 (GHSA-c66w-hq56-4q97): a reused ICMP identifier lets no request in (S-31)", async () => {
  for (const id of [0, 7]) {
    const asked = await arena.fire(attacker, outside, [ip4(arena.route(attacker, outside), icmp(8, id))]);
    assert.deepEqual(reasons(asked, attacker, "egress"), ["rule"]);
    const back = arena.route(outside, attacker);
    const answers = await arena.fire(outside, attacker, [ip4(back, icmp(0, id)), ip4(back, icmp(8, id))]);
    assert.deepEqual(reasons(answers, attacker, "ingress"), ["connection", "no-rule"]);
  }
});

test("S-31: a ping's entry lets the pod that was asked send no request with the identifier", async () => {
  await arena.fire(outside, victim, [ip4(arena.route(outside, victim), icmp(8, 7))]);
  const back = arena.route(victim, outside);
  const answers = await arena.fire(victim, outside, [ip4(back, icmp(8, 7)), ip4(back, icmp(0, 7))]);
  assert.deepEqual(reasons(answers, victim, "egress"), ["no-rule", "connection"]);
});
