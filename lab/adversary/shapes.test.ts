import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Arena, reasons } from "./arena.ts";
import { attacker, outside, victim } from "./cast.ts";
import {
  type Extension,
  ethernet,
  extension,
  flag,
  fragmentHeader,
  icmp,
  icmp6,
  ip4,
  ip6,
  join,
  other,
  type Tag,
  tcp,
  udp,
} from "./frame.ts";

const arena = await Arena.open();
after(() => arena.close());
before(() => arena.reset());

let port = 1000;
/** A SYN of a flow that was not there before, to a port that is open or not. */
const open = (more: { dataOffset?: number; flags?: number } = {}) =>
  tcp({ from: ++port, to: 80, flags: flag.SYN, ...more });
const shut = () => tcp({ from: ++port, to: 81, flags: flag.SYN });
const out4 = () => arena.route(outside, victim, 4);
const out6 = () => arena.route(outside, victim, 6);

/** What the victim says of a packet that comes by the node's end of its link, and whether it arrives. */
async function into(packet: Uint8Array, frame: { tags?: Tag[]; type?: number } = {}): Promise<string[]> {
  const { end, nodeEnd } = arena.station(victim);
  arena.arrived(victim);
  const records = await arena.fireInto(victim, [
    ethernet({ source: nodeEnd.hardware, destination: end.hardware }, packet, frame),
  ]);
  const passed = arena.arrived(victim).length;
  return [...reasons(records, victim, "ingress"), `${passed} arrived`];
}

/** Packets that were malformed so far: what the victim was to get, and what the attacker sent. */
async function malformed(): Promise<{ victim: number; attacker: number }> {
  const [ours, theirs] = [await arena.metrics(victim), await arena.metrics(attacker)];
  return { victim: ours.packets.ingress.malformed ?? 0, attacker: theirs.packets.egress.malformed ?? 0 };
}

const passes = ["rule", "1 arrived"];
const closed = ["no-rule", "0 arrived"];
const broken = ["malformed", "0 arrived"];

describe("IPv6 extension headers: what is behind them is judged", () => {
  const { hopByHop, routing, destination, authentication } = extension;
  const chains: Record<string, readonly Extension[]> = {
    "hop-by-hop": [hopByHop],
    routing: [routing],
    "destination options": [destination],
    "fragment, of a whole datagram": [fragmentHeader(1)],
    "authentication header": [authentication],
    "all five": [hopByHop, destination, routing, fragmentHeader(1), authentication],
    "six, as many as there may be": [hopByHop, ...new Array<Extension>(5).fill(destination)],
  };
  for (const [name, extensions] of Object.entries(chains))
    test(name, async () => {
      assert.deepEqual(await into(ip6(out6(), open(), { extensions })), passes);
      assert.deepEqual(await into(ip6(out6(), shut(), { extensions })), closed);
    });

  test("seven are malformed and counted, whatever is behind them", async () => {
    const extensions = [hopByHop, ...new Array<Extension>(6).fill(destination)];
    const before = await malformed();
    assert.deepEqual(await into(ip6(out6(), open(), { extensions })), broken);
    assert.equal((await malformed()).victim, before.victim + 1);
  });

  test("a second fragment header is malformed", async () => {
    const extensions = [fragmentHeader(1), fragmentHeader(2)];
    assert.deepEqual(await into(ip6(out6(), open(), { extensions })), broken);
  });
});

describe("IPv4 options: what is behind them is judged", () => {
  for (const words of [1, 5, 10])
    test(`${words} words of them`, async () => {
      const options = new Uint8Array(words * 4).fill(1);
      assert.deepEqual(await into(ip4(out4(), open(), { options })), passes);
      assert.deepEqual(await into(ip4(out4(), shut(), { options })), closed);
    });
});

describe("frames with VLAN tags are judged by what is inside", () => {
  const tagged: Record<string, Tag[]> = {
    "802.1Q": [[0x8100, 5]],
    "priority tag, VID 0": [[0x8100, 0xe000]],
    "802.1Q inside 802.1ad": [
      [0x88a8, 5],
      [0x8100, 6],
    ],
  };
  for (const [name, tags] of Object.entries(tagged)) {
    test(`${name}, towards the pod`, async () => {
      assert.deepEqual(await into(ip4(out4(), open()), { tags }), passes);
      assert.deepEqual(await into(ip4(out4(), shut()), { tags }), closed);
      assert.deepEqual(await into(ip6(out6(), open()), { tags }), passes);
      assert.deepEqual(await into(ip6(out6(), shut()), { tags }), closed);
    });

    test(`${name}, from the pod: it hides neither a closed port nor a forged source`, async () => {
      const packets = [
        ip4(arena.route(victim, outside), tcp({ from: ++port, to: 443, flags: flag.SYN })),
        ip4(arena.route(victim, outside), tcp({ from: ++port, to: 22, flags: flag.SYN })),
        ip6(arena.route(attacker, outside, 6), tcp({ from: ++port, to: 443, flags: flag.SYN })),
      ];
      const frames = packets.map((packet) => ethernet(arena.ends(victim), packet, { tags }));
      const records = await arena.fireFrames(victim, outside, frames);
      assert.deepEqual(reasons(records, victim, "egress"), ["rule", "no-rule", "spoofed"]);
    });
  }

  test("three tags are more than any network has, and malformed", async () => {
    const tags: Tag[] = [
      [0x88a8, 5],
      [0x8100, 6],
      [0x8100, 7],
    ];
    assert.deepEqual(await into(ip4(out4(), open()), { tags }), broken);
  });
});

describe("truncated and absurd packets are dropped and counted, in both directions", () => {
  const absurd: Record<string, (route: typeof out4, route6: typeof out6) => Uint8Array> = {
    "IPv4 header cut short": (four) => ip4(four(), open()).subarray(0, 12),
    "IPv4 version 5": (four) => ip4(four(), open(), { version: 5 }),
    "IPv4 header of 4 words": (four) => ip4(four(), open(), { headerWords: 4 }),
    "IPv4 header longer than the packet": (four) => ip4(four(), open(), { headerWords: 15 }),
    "IPv4 length less than its header": (four) => ip4(four(), open(), { totalLength: 16 }),
    "IPv4 length 0": (four) => ip4(four(), open(), { totalLength: 0 }),
    "IPv4 length more than the frame": (four) => ip4(four(), open(), { totalLength: 41 }),
    "IPv4 length that leaves half a TCP header": (four) => ip4(four(), open(), { totalLength: 30 }),
    "IPv6 header cut short": (_, six) => ip6(six(), open()).subarray(0, 24),
    "IPv6 length more than the frame": (_, six) => ip6(six(), open(), { payloadLength: 21 }),
    "IPv6 length 0": (_, six) => ip6(six(), open(), { payloadLength: 0 }),
    "IPv6 extension header cut short": (_, six) => ip6(six(), other(60, Uint8Array.of(6, 0, 1, 0))),
    "IPv6 extension header longer than the packet": (_, six) =>
      ip6(six(), open(), { extensions: [{ number: 60, bytes: Uint8Array.of(0, 200, 0, 0, 0, 0, 0, 0) }] }),
    "IPv6 authentication header longer than the packet": (_, six) =>
      ip6(six(), open(), { extensions: [{ number: 51, bytes: Uint8Array.of(0, 255, 0, 0, 0, 0, 0, 0) }] }),
    "TCP header cut short": (four) => ip4(four(), other(6, open().bytes.subarray(0, 16))),
    "TCP header of 4 words": (four) => ip4(four(), open({ dataOffset: 4 })),
    "TCP header longer than the packet": (four) => ip4(four(), open({ dataOffset: 6 })),
    "TCP without a flag": (four) => ip4(four(), open({ flags: 0 })),
    "TCP with SYN and FIN": (_, six) => ip6(six(), open({ flags: flag.SYN | flag.FIN })),
    "TCP with SYN and RST": (four) => ip4(four(), open({ flags: flag.SYN | flag.RST | flag.ACK })),
    "UDP header cut short": (_, six) => ip6(six(), other(17, new Uint8Array(4))),
    "UDP length less than its header": (four) => ip4(four(), udp(7, 53, new Uint8Array(4), 7)),
    "UDP length 0": (_, six) => ip6(six(), udp(7, 53, new Uint8Array(4), 0)),
    "ICMP header cut short": (four) => ip4(four(), other(1, Uint8Array.of(8, 0, 0, 0))),
    "ICMPv6 header cut short": (_, six) => ip6(six(), other(58, Uint8Array.of(128, 0, 0, 0))),
  };

  for (const [name, make] of Object.entries(absurd))
    test(name, async () => {
      const before = await malformed();
      arena.arrived(outside);
      assert.deepEqual(await into(make(out4, out6)), broken);
      const packet = make(
        () => arena.route(attacker, outside, 4),
        () => arena.route(attacker, outside, 6),
      );
      const type = name.startsWith("IPv6") ? 0x86dd : undefined;
      const frame = ethernet(arena.ends(attacker), packet, type === undefined ? {} : { type });
      const records = await arena.fireFrames(attacker, outside, [frame]);
      assert.deepEqual(reasons(records, attacker, "egress"), ["malformed"]);
      assert.deepEqual(await malformed(), { victim: before.victim + 1, attacker: before.attacker + 1 });
      assert.equal((await arena.metrics(attacker)).conntrack_used, 0);
      assert.deepEqual(arena.arrived(outside), []);
    });

  test("an EtherType that belies the packet, and one that is not IP", async () => {
    assert.deepEqual(await into(ip4(out4(), open()), { type: 0x86dd }), broken);
    assert.deepEqual(await into(ip6(out6(), open()), { type: 0x0800 }), broken);
    assert.deepEqual(await into(ip4(out4(), open()), { type: 0x88cc }), broken);
    assert.deepEqual(await into(new Uint8Array(), { type: 0x0800 }), broken);
  });
});

test("Ethernet's padding behind a packet is no part of it", async () => {
  const padding = new Uint8Array(6);
  assert.deepEqual(await into(join(ip4(out4(), open()), padding)), passes);
  assert.deepEqual(await into(join(ip6(out6(), open()), padding)), passes);
});

test("pings and other protocols are read behind options and headers too (S-31, S-32)", async () => {
  const options = new Uint8Array(8).fill(1);
  assert.deepEqual(await into(ip4(out4(), icmp(8, 7), { options })), passes);
  assert.deepEqual(await into(ip6(out6(), icmp6(128, 7), { extensions: [extension.destination] })), passes);
  assert.deepEqual(await into(ip4(out4(), other(253))), passes);
  assert.deepEqual(await into(ip4(out4(), other(254))), closed);
  const rows = (await arena.connections(victim)).map((row) => [row.protocol, row.port]).filter(([p]) => p !== 6);
  assert.deepEqual(rows.sort(), [
    [1, 7],
    [253, 0],
    [58, 7],
  ]);
});
