import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { internetChecksum } from "../wire/checksum.ts";
import { Arena, reasons } from "./arena.ts";
import { attacker, outside, victim } from "./cast.ts";
import { type Body, ethernet, extension, flag, icmp, icmp6, ip4, ip6, join, other, tcp, udp } from "./frame.ts";

const arena = await Arena.open();
after(() => arena.close());
before(() => arena.reset());

let port = 1000;
const payload = Uint8Array.from({ length: 1400 }, (_, index) => index & 255);

const bodies: Record<string, (family: 4 | 6) => Body> = {
  TCP: () => tcp({ from: ++port, to: 80, flags: flag.SYN, payload }),
  UDP: () => udp(++port, 53, payload),
  ping: (family) => (family === 4 ? icmp(8, ++port, payload) : icmp6(128, ++port, payload)),
  "protocol 253": () => other(253, payload),
};

const packets = (route: (family: 4 | 6) => ReturnType<Arena["route"]>, body: (family: 4 | 6) => Body): Uint8Array[] => [
  ip4(route(4), body(4)),
  ip4(route(4), body(4), { options: new Uint8Array(8).fill(1) }),
  ip6(route(6), body(6)),
  ip6(route(6), body(6), { extensions: [extension.hopByHop, extension.destination] }),
];

/** The packet with a bit of its last byte turned, so that its checksum is wrong. */
const spoiled = (packet: Uint8Array): Uint8Array =>
  join(packet.subarray(0, -1), Uint8Array.of((packet.at(-1) ?? 0) ^ 1));

for (const [name, body] of Object.entries(bodies))
  test(`${name}: what enters a pod is byte for byte what was sent, its checksum right or wrong`, async () => {
    const { end, nodeEnd } = arena.station(victim);
    const ends = { source: nodeEnd.hardware, destination: end.hardware };
    const sent = packets((family) => arena.route(outside, victim, family), body).flatMap((packet) => [
      packet,
      spoiled(packet),
    ]);
    arena.arrived(victim);
    const records = await arena.fireInto(
      victim,
      sent.map((packet) => ethernet(ends, packet)),
    );
    assert.equal(reasons(records, victim, "ingress").length, sent.length);
    assert.deepEqual(arena.arrived(victim), sent);
  });

/** A packet as the router leaves it: one hop less, and the IPv4 header's checksum to match. */
function forwarded(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  if ((copy[0] ?? 0) >> 4 === 6) {
    copy[7] = (copy[7] ?? 0) - 1;
    return copy;
  }
  const header = copy.subarray(0, ((copy[0] ?? 0) & 15) * 4);
  header[8] = (header[8] ?? 0) - 1;
  header.set([0, 0], 10);
  new DataView(header.buffer).setUint16(10, internetChecksum(header));
  return copy;
}

for (const [name, body] of Object.entries(bodies))
  test(`${name}: what passes two pods' programs is changed by the router alone`, async () => {
    const sent = packets((family) => arena.route(attacker, victim, family), body);
    arena.arrived(victim);
    await arena.fire(attacker, victim, sent);
    assert.deepEqual(arena.arrived(victim), sent.map(forwarded));
  });

test("a frame that is longer than the programs read at once is whole, behind many headers (bpf_skb_pull_data)", async () => {
  const long = Uint8Array.from({ length: 60_000 }, (_, index) => index & 255);
  const extensions = [extension.hopByHop, ...new Array<typeof extension.destination>(5).fill(extension.destination)];
  const sent = ip6(arena.route(attacker, victim, 6), udp(++port, 53, long), { extensions });
  arena.arrived(victim);
  await arena.fire(attacker, victim, [sent]);
  assert.deepEqual(arena.arrived(victim), [forwarded(sent)]);
});
