import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, beforeEach, test } from "node:test";
import { runIp } from "../engine/kernel/ip.ts";
import { options, Socket, socketTypes } from "../engine/kernel/socket.ts";
import { domains, etherTypes, interfaceAddress } from "../engine/kernel/socket-address.ts";
import { nodeLinkLocal, nodeMachine } from "../engine/node.ts";
import { conversation, known } from "../engine/test/fixture.ts";
import { Arena, reasons } from "./arena.ts";
import { attacker, outside, type Pod, usual, victim } from "./cast.ts";
import { ethernet, flag, icmp6, ip4, ip6, tcp, udp } from "./frame.ts";

const arena = await Arena.open();
after(() => arena.close());
beforeEach(() => arena.reset());

const syn = (to: number) => tcp({ from: 7, to, flags: flag.SYN });
// The victim's own rules are the strict ones: where a pod wants out, it plays the part.
const denied = () => ip4(arena.route(victim, outside), syn(22));
const permitted = () => ip4(arena.route(victim, outside), syn(443));

const ports = (packets: readonly Uint8Array[]): number[] =>
  packets.map((packet) => ((packet[22] ?? 0) << 8) | (packet[23] ?? 0));

/** Runs `tc` commands inside a pod. */
function inPod(pod: Pod, commands: readonly string[]): void {
  arena.station(pod).namespace.inside(() => execFileSync("tc", ["-batch", "-"], { input: commands.join("\n") }));
}

for (const [family, forged] of [
  [4, ["10.244.1.20", "10.244.255.254", "203.0.113.1", "127.0.0.1", "0.0.0.0", "255.255.255.255"]],
  [6, ["fd00:244:1::20", "fd00:244::fffe", "2001:db8::1", "::1", "::", "fe80::1"]],
] as const)
  test(`IPv${family}: no source but the pod's own leaves it (S-22)`, async () => {
    const { destination } = arena.route(attacker, outside, family);
    const make = family === 4 ? ip4 : ip6;
    const packets = forged.flatMap((source) =>
      [syn(443), udp(7, 53)].map((body) => make({ source: known(source), destination }, body)),
    );
    const told = reasons(await arena.fire(attacker, outside, packets), attacker, "egress");
    assert.deepEqual(told, new Array(packets.length).fill("spoofed"));
    assert.equal((await arena.metrics(attacker)).packets.egress.spoofed, packets.length);
    assert.deepEqual(arena.arrived(outside), []);
    assert.equal((await arena.metrics(victim)).conntrack_used, 0);
  });

test("a frame is judged by the interface that it comes from, whatever hardware address it bears", async () => {
  const own = arena.ends(victim);
  const other = arena.ends(attacker);
  const broadcast = new Uint8Array(6).fill(255);
  const disguises = [
    { source: other.source, destination: own.destination },
    { source: own.destination, destination: own.destination },
    { source: broadcast, destination: own.destination },
    { source: own.source, destination: other.source },
    { source: own.source, destination: broadcast },
  ];
  const frames = disguises.map((ends) => ethernet(ends, denied()));
  const told = await arena.fireFrames(victim, outside, frames);
  assert.deepEqual(reasons(told, victim, "egress"), new Array(5).fill("no-rule"));
  assert.equal((await arena.metrics(attacker)).packets.egress["no-rule"], undefined);
  assert.deepEqual(arena.arrived(outside), []);
});

test("PACKET_QDISC_BYPASS does not get round the host-side hook", async () => {
  const { namespace, end } = arena.station(victim);
  const socket = Socket.open(namespace, domains.packet, socketTypes.raw)
    .set(options.packetQdiscBypass, 1)
    .bind(interfaceAddress(end.ifindex, etherTypes[4]));
  try {
    for (const packet of [denied(), permitted(), denied()]) socket.send(ethernet(arena.ends(victim), packet));
    // What is sent after them has been judged, so they have.
    await arena.fire(victim, outside, [permitted()]);
    const { egress } = (await arena.metrics(victim)).packets;
    assert.deepEqual([egress["no-rule"], egress.rule, egress.connection], [2, 1, 1]);
    assert.deepEqual(ports(arena.arrived(outside)), [443, 443]);
  } finally {
    socket.close();
  }
});

/** A classifier that accepts every packet by itself. */
const acceptAll = 'bpf direct-action bytecode "1,6 0 0 0,"';

for (const [name, commands] of Object.entries({
  "a qdisc that paces": ["qdisc add dev eth0 root tbf rate 1gbit burst 100k latency 10ms"],
  "a tree of classes": [
    "qdisc add dev eth0 root handle 1: htb default 1",
    "class add dev eth0 parent 1: classid 1:1 htb rate 1gbit",
  ],
  "programs that accept everything, in both directions": [
    "qdisc add dev eth0 clsact",
    `filter add dev eth0 egress ${acceptAll}`,
    `filter add dev eth0 ingress ${acceptAll}`,
  ],
}))
  test(`a pod's own traffic control changes no verdict: ${name}`, async () => {
    inPod(victim, commands);
    const told = await arena.fire(victim, outside, [denied(), permitted()]);
    assert.deepEqual(reasons(told, victim, "egress"), ["no-rule", "rule"]);
    assert.deepEqual(ports(arena.arrived(outside)), [443]);
    const route = arena.route(outside, victim);
    const inward = await arena.fire(outside, victim, [ip4(route, syn(81)), ip4(route, syn(80))]);
    assert.deepEqual(reasons(inward, victim, "ingress"), ["no-rule", "rule"]);
  });

test("a pod that sends back what it gets, as it came, forges its source (S-22)", async () => {
  inPod(victim, [
    "qdisc add dev eth0 clsact",
    "filter add dev eth0 ingress protocol ip u32 match u32 0 0 action mirred egress redirect dev eth0",
  ]);
  const told = await arena.fire(outside, victim, [ip4(arena.route(outside, victim), syn(80))]);
  assert.deepEqual(reasons(told, victim, "ingress"), ["rule"]);
  assert.equal((await arena.metrics(victim)).packets.egress.spoofed, 1);
  assert.deepEqual(arena.arrived(outside), []);
});

test("a pod that changes its own address or link layer gains nothing (S-22)", async () => {
  runIp(arena.station(victim).namespace, [
    "addr add 10.244.1.66/32 dev eth0",
    "link set eth0 address 02:00:00:00:00:99",
  ]);
  const told = await arena.fire(victim, outside, [ip4(arena.route(attacker, outside), syn(443)), denied()]);
  assert.deepEqual(reasons(told, victim, "egress"), ["spoofed", "no-rule"]);
});

test("link-local addresses of other pods: neither side lets them by (S-20)", async () => {
  const far = known("fe80::66");
  const to = { source: known("fd00:244:1::66"), destination: known("fe80::20") };
  const sent = await arena.fire(attacker, outside, [
    ip6({ source: far, destination: known("fe80::20") }, udp(7, 9)),
    ip6({ source: far, destination: known("fd00:244:1::20") }, udp(7, 9)),
    ip6(to, udp(7, 9)),
  ]);
  // The last one is permitted by the attacker's own rules; link-local addresses are forwarded nowhere.
  assert.deepEqual(reasons(sent, attacker, "egress"), ["spoofed", "spoofed", "rule"]);
  arena.arrived(victim);
  const { end, nodeEnd } = arena.station(victim);
  const ends = { source: nodeEnd.hardware, destination: end.hardware };
  const inward = await arena.fireInto(
    victim,
    [
      ip6({ source: far, destination: known("fd00:244:1::20") }, syn(9)),
      ip6({ source: far, destination: known("fe80::2") }, syn(9)),
      ip6({ source: nodeLinkLocal, destination: known("fe80::2") }, syn(9)),
    ].map((packet) => ethernet(ends, packet)),
  );
  assert.deepEqual(reasons(inward, victim, "ingress"), ["no-rule", "spoofed", "exempt"]);
  assert.equal(arena.arrived(victim).length, 1);
});

test("neighbour discovery that a router has forwarded is no neighbour's (S-20)", async () => {
  for (const type of [133, 134, 135, 136, 137]) {
    const message = ip6(arena.route(outside, attacker, 6), icmp6(type, 0, new Uint8Array(16)), { hopLimit: 255 });
    const told = await arena.fire(outside, attacker, [message]);
    assert.deepEqual(reasons(told, attacker, "ingress"), ["no-rule"]);
  }
});

for (const family of [4, 6] as const)
  test(`IPv${family}: what the node forwards in its own name, on a live probe's ports, is filtered (S-20)`, async () => {
    const probe = conversation("probe", [nodeMachine, victim], 6, 9, { family });
    assert.equal(await arena.connect(probe), true);
    assert.equal((await arena.metrics(victim)).packets.ingress.exempt !== undefined, true);
    arena.arrived(victim);
    const route = arena.route(nodeMachine, victim, family);
    const make = family === 4 ? ip4 : ip6;
    const forged = [flag.SYN, flag.ACK, flag.RST, flag.FIN | flag.ACK].map((flags) =>
      make(route, tcp({ from: 50_000, to: 9, flags })),
    );
    const told = await arena.fire(outside, victim, forged);
    assert.deepEqual(reasons(told, victim, "ingress"), new Array(4).fill("no-rule"));
    const byPod = await arena.fire(attacker, victim, forged);
    assert.deepEqual(reasons(byPod, attacker, "egress"), new Array(4).fill("spoofed"));
    assert.deepEqual(arena.arrived(victim), []);
    assert.equal(await arena.exchange("probe"), true);
  });

test("the pod answers a probe, and begins nothing by it: its own SYN from the probed port is judged by rules (S-20)", async () => {
  assert.equal(await arena.connect(conversation("probe", [nodeMachine, victim], 6, 9)), true);
  const route = arena.route(victim, nodeMachine);
  const told = await arena.fire(victim, nodeMachine, [
    ip4(route, tcp({ from: 9, to: 50_001, flags: flag.SYN })),
    ip4(route, tcp({ from: 10, to: 50_000, flags: flag.SYN | flag.ACK })),
    ip4(route, udp(9, 50_000)),
  ]);
  assert.deepEqual(reasons(told, victim, "egress"), new Array(3).fill("no-rule"));
});

test("a pod that no group selects may be a router, until sources are checked for all (S-22)", async () => {
  await arena.program([{ pod: attacker }, ...usual.slice(1)]);
  const packet = ip4({ ...arena.route(attacker, outside), source: known("10.9.9.9") }, syn(443));
  assert.deepEqual(reasons(await arena.fire(attacker, outside, [packet]), attacker, "egress"), ["unfiltered"]);
  await arena.program([{ pod: attacker }, ...usual.slice(1)], { antiSpoofing: "All" });
  assert.deepEqual(reasons(await arena.fire(attacker, outside, [packet]), attacker, "egress"), ["spoofed"]);
});
