import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, beforeEach, test } from "node:test";
import { nodeMachine } from "../engine/node.ts";
import { firstAddress } from "../engine/packets.ts";
import type { Machine } from "../engine/ports.ts";
import { Arena, reasons } from "./arena.ts";
import { attacker, attackerRules, outside, type Pod, victim, victimRules } from "./cast.ts";
import {
  type Body,
  ethernet,
  extension,
  flag,
  fragmentHeader,
  icmp,
  ip4,
  ip6,
  other,
  type Route,
  tcp,
  udp,
} from "./frame.ts";

/** Datagrams that a pod can have in pieces at once. */
const records = 64;

const arena = await Arena.open();
after(() => arena.close());
beforeEach(() => arena.reset());

interface Piece {
  readonly id: number;
  /** Bytes into the datagram. */
  readonly offset: number;
  readonly more: boolean;
  readonly route: Route;
  readonly body: Body;
}

const piece = ({ id, offset, more, route, body }: Piece): Uint8Array =>
  route.source.includes(":")
    ? ip6(route, body, { extensions: [fragmentHeader(id, offset, more)] })
    : ip4(route, body, { id, fragment: { offset, more } });

/** A datagram in pieces of so many bytes; the first one may have fewer. */
function pieces(route: Route, id: number, body: Body, size = 16, first = size): Uint8Array[] {
  const whole = route.source.includes(":") ? ip6(route, body).subarray(40) : ip4(route, body).subarray(20);
  const later = Array.from({ length: Math.ceil((whole.length - first) / size) }, (_, index) => first + index * size);
  return [0, ...later].map((offset, index) => {
    const end = later[index] ?? whole.length;
    const bytes = whole.subarray(offset, end);
    return piece({ id, offset, more: end < whole.length, route, body: { protocol: body.protocol, bytes } });
  });
}

const question = udp(7, 53, new Uint8Array(32).fill(0xcd));

async function sent(from: Pod, to: Machine, packets: readonly Uint8Array[]): Promise<string[]> {
  return reasons(await arena.fire(from, to, packets), from, "egress");
}

async function received(from: Machine, to: Pod, packets: readonly Uint8Array[]): Promise<string[]> {
  return reasons(await arena.fire(from, to, packets), to, "ingress");
}

for (const family of [4, 6] as const) {
  test(`IPv${family}: a datagram in pieces arrives whole, as one flow (S-41)`, async () => {
    const packets = pieces(arena.route(outside, victim, family), 5, question);
    arena.arrived(victim);
    assert.deepEqual(await received(outside, victim, packets), ["rule", "rule", "rule"]);
    assert.equal(arena.arrived(victim).length, 3);
    assert.deepEqual(await arena.states(victim), ["17 53 datagram"]);
  });

  test(`IPv${family}: pieces without their first one are dropped and counted (S-41)`, async () => {
    const [, second = assert.fail(), third = assert.fail()] = pieces(arena.route(outside, victim, family), 5, question);
    assert.deepEqual(await received(outside, victim, [third, second]), ["fragment", "fragment"]);
    assert.equal((await arena.metrics(victim)).packets.ingress.fragment, 2);
  });

  test(`IPv${family}: a piece that would overwrite the TCP header is malformed, as is a header cut in two`, async () => {
    const route = arena.route(victim, outside, family);
    const syn = tcp({ from: 7, to: 443, flags: flag.SYN, payload: new Uint8Array(12) });
    const tiny = piece({ id: 6, offset: 0, more: true, route, body: { protocol: 6, bytes: syn.bytes.subarray(0, 8) } });
    assert.deepEqual(await sent(victim, outside, [tiny]), ["malformed"]);
    const first = piece({ id: 5, offset: 0, more: true, route, body: { protocol: 6, bytes: syn.bytes } });
    const later = [8, 16, 32].map((offset) => piece({ id: 5, offset, more: false, route, body: other(6) }));
    assert.deepEqual(await sent(victim, outside, [first, ...later]), ["rule", "malformed", "malformed", "rule"]);
  });

  test(`IPv${family}: pieces that reach past the longest datagram are malformed`, async () => {
    const route = arena.route(attacker, outside, family);
    const first = pieces(route, 5, question)[0] ?? assert.fail();
    const last = piece({ id: 5, offset: 65_528, more: false, route, body: other(17, new Uint8Array(16)) });
    assert.deepEqual(await sent(attacker, outside, [first, last]), ["rule", "malformed"]);
  });

  test(`IPv${family}: a reused identification lends no verdict: a first piece that is denied takes it away`, async () => {
    const route = arena.route(victim, outside, family);
    const first = (port: number) =>
      piece({ id: 5, offset: 0, more: true, route, body: tcp({ from: 7, to: port, flags: flag.SYN }) });
    const later = piece({ id: 5, offset: 24, more: false, route, body: other(6) });
    const told = await sent(victim, outside, [first(443), later, first(22), later]);
    assert.deepEqual(told, ["rule", "rule", "no-rule", "fragment"]);
  });

  test(`IPv${family}: pieces follow in their own direction, protocol, pair of addresses and identification only`, async () => {
    const there = arena.route(outside, victim, family);
    const back = arena.route(victim, outside, family);
    const later = (route: Route, protocol: number, id: number) =>
      piece({ id, offset: 48, more: false, route, body: other(protocol) });
    await received(outside, victim, pieces(there, 5, question));
    const told = await received(outside, victim, [later(there, 6, 5), later(there, 17, 6), later(there, 17, 5)]);
    assert.deepEqual(told, ["fragment", "fragment", "rule"]);
    assert.deepEqual(await sent(victim, outside, [later(back, 17, 5)]), ["fragment"]);
    const stranger = later(arena.route(attacker, victim, family), 17, 5);
    assert.deepEqual(await received(attacker, victim, [stranger]), []);
  });

  test(`IPv${family}: a flood of first pieces fills the pod's own ${records} records and nobody else's (S-41)`, async () => {
    const theirs = pieces(arena.route(outside, victim, family), 9, question);
    await received(outside, victim, theirs.slice(0, 1));
    const flood = Array.from({ length: records + 1 }, (_, index) =>
      pieces(arena.route(attacker, outside, family), 100 + index, question),
    );
    await sent(
      attacker,
      outside,
      flood.map(([first]) => first ?? assert.fail()),
    );
    // What it began first is the one that had to go.
    const followers = flood.map(([, second]) => second ?? assert.fail());
    const told = await sent(attacker, outside, followers);
    assert.deepEqual([told[0], ...new Set(told.slice(1))], ["fragment", "connection"]);
    assert.deepEqual(await received(outside, victim, theirs.slice(1)), ["rule", "rule"]);
  });

  test(`IPv${family}: a record serves for 30 s (S-41)`, async () => {
    const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = pieces(
      arena.route(outside, victim, family),
      5,
      question,
    );
    await received(outside, victim, [first]);
    await arena.advance(29.75);
    assert.deepEqual(await received(outside, victim, [second]), ["rule"]);
    await arena.advance(0.25);
    assert.deepEqual(await received(outside, victim, [third]), ["fragment"]);
  });
}

test("S-53: later pieces of what made no entry are cut with its rule", async () => {
  const route = arena.route(attacker, outside);
  const message = { ...icmp(13, 7, new Uint8Array(32)) };
  const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = pieces(route, 5, message);
  assert.deepEqual(await sent(attacker, outside, [first, second]), ["rule", "rule"]);
  await arena.program([
    { pod: attacker, rules: [] },
    { pod: victim, rules: victimRules },
  ]);
  assert.deepEqual(await sent(attacker, outside, [third]), ["fragment"]);
  await arena.program([
    { pod: attacker, rules: attackerRules },
    { pod: victim, rules: victimRules },
  ]);
  assert.deepEqual(await sent(attacker, outside, [third]), ["rule"]);
});

test("IPv6: extension headers behind the fragment header belong to the first piece", async () => {
  const route = arena.route(outside, victim, 6);
  const syn = (port: number) => tcp({ from: 7, to: port, flags: flag.SYN });
  for (const [port, verdict] of [
    [80, "rule"],
    [81, "no-rule"],
  ] as const) {
    const extensions = [fragmentHeader(port, 0, true), extension.destination];
    assert.deepEqual(await received(outside, victim, [ip6(route, syn(port), { extensions })]), [verdict]);
    const later = ip6(route, other(60), { extensions: [fragmentHeader(port, 32)] });
    assert.deepEqual(await received(outside, victim, [later]), [verdict === "rule" ? "rule" : "fragment"]);
  }
});

test("S-20: an IPv6 fragment with the node's address and no ingress interface is not the node's", async () => {
  const { end, nodeEnd } = arena.station(victim);
  const ends = { source: nodeEnd.hardware, destination: end.hardware };
  const route = arena.route(nodeMachine, victim, 6);
  const probe = ip6(route, udp(7, 9));
  const inPieces = pieces(route, 5, udp(8, 9, new Uint8Array(32)));
  const told = await arena.fireInto(
    victim,
    [probe, ...inPieces].map((packet) => ethernet(ends, packet)),
  );
  assert.deepEqual(reasons(told, victim, "ingress"), ["exempt", "no-rule", "fragment", "fragment"]);
});

const filling = 0xab;

test("S-20: datagrams that the node puts together and takes apart again are filtered, whatever address they bear", async () => {
  // The one chain has datagrams put together; the other writes where the second piece was, which leaves pieces that the
  // node can't send as they came: it makes new ones, which have no ingress interface.
  const ruleset = `table ip6 defrag {
    chain together { type filter hook prerouting priority 0; ct state new counter; }
    chain apart { type filter hook forward priority 0; meta l4proto udp @th,160,8 set ${filling}; }
  }`;
  arena.network.node.inside(() => execFileSync("nft", ["-f", "-"], { input: ruleset }));
  // The first piece has 16 bytes and the others as many as the node keeps to.
  const datagram = (port: number) => udp(7, port, new Uint8Array(2000).fill(filling));
  const own = pieces(arena.route(outside, victim, 6), 5, datagram(53), 1400, 16);
  assert.equal(own.length, 3);
  assert.deepEqual(await received(outside, victim, own), ["rule", "rule"]);
  const borrowed = { source: firstAddress(nodeMachine, 6), destination: firstAddress(victim, 6) };
  arena.arrived(victim);
  // The node gives up a datagram at the first piece that it can't send.
  assert.deepEqual(await received(outside, victim, pieces(borrowed, 6, datagram(9), 1400, 16)), ["no-rule"]);
  assert.deepEqual(arena.arrived(victim), []);
  arena.network.node.inside(() => execFileSync("nft", ["delete", "table", "ip6", "defrag"]));
});
