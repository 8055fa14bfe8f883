import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../../semantics/address.ts";
import type { Packet, Transport } from "../../semantics/packet.ts";
import { tcpFlags } from "../../semantics/packet.ts";
import type { Address } from "../../semantics/policy.ts";
import type { WirePacket } from "../engine/ports.ts";
import { internetChecksum } from "./checksum.ts";
import { encodeFrame, encodePacket } from "./encode.ts";

function known(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed.ok, text);
  return parsed.value;
}

const ends = {
  4: { source: known("203.0.113.1"), destination: known("10.244.0.10") },
  6: { source: known("2001:db8::1"), destination: known("fd00:244::10") },
} as const;

function packet(family: 4 | 6, transport: Transport, more: Partial<WirePacket> = {}): WirePacket {
  return { family, ...ends[family], transport, hopLimit: 64, length: 0, fromNode: false, payload: 0, ...more };
}

const reversed = (family: 4 | 6) => ({ source: ends[family].destination, destination: ends[family].source });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const quotedSyn: Packet = packet(4, { kind: "tcp", sourcePort: 40_000, port: 80, flags: tcpFlags.SYN });
const quotedDatagram: Packet = packet(6, { kind: "udp", sourcePort: 40_000, port: 53 });

// Computed by another implementation of the same RFCs.
const vectors: readonly { name: string; packet: WirePacket; bytes: string }[] = [
  {
    name: "a SYN over IPv4",
    packet: packet(4, { kind: "tcp", sourcePort: 40_000, port: 80, flags: tcpFlags.SYN }),
    bytes: "4500002800014000 4006f3cf cb007101 0af4000a 9c400050 00000001 00000000 5002ffff cc510000",
  },
  {
    name: "a SYN-ACK over IPv6",
    packet: packet(6, { kind: "tcp", sourcePort: 40_000, port: 80, flags: tcpFlags.SYN | tcpFlags.ACK }),
    bytes: `60000000 00140640 20010db8000000000000000000000001 fd000244000000000000000000000010
      9c400050 00000001 00000001 5012ffff e6310000`,
  },
  {
    name: "a datagram with an odd payload",
    packet: packet(4, { kind: "udp", sourcePort: 40_000, port: 53 }, { payload: 3, hopLimit: 63 }),
    bytes: "4500001f00014000 3f11f4cd cb007101 0af4000a 9c400035 000b1c63 000000",
  },
  {
    name: "a datagram over IPv6",
    packet: packet(6, { kind: "udp", sourcePort: 40_000, port: 53 }),
    bytes: `60000000 00081140 20010db8000000000000000000000001 fd000244000000000000000000000010
      9c400035 0008365a`,
  },
  {
    name: "an echo request",
    packet: packet(4, { kind: "icmp", type: 8, code: 0, id: 7 }),
    bytes: "4500001c00014000 4001f3e0 cb007101 0af4000a 0800f7f7 00070001",
  },
  {
    name: "fragmentation needed, which quotes a SYN and tells an MTU",
    packet: packet(4, { kind: "icmp", type: 3, code: 4, id: 1, quoted: quotedSyn }, { ...reversed(4), mtu: 1400 }),
    bytes: `4500003800014000 4001f3c4 0af4000a cb007101 03045af2 00000578
      4500002800014000 4006f3cf cb007101 0af4000a 9c400050 00000001`,
  },
  {
    name: "packet too big, which quotes a datagram and tells an MTU",
    packet: packet(6, { kind: "icmp", type: 2, code: 0, id: 1, quoted: quotedDatagram }, { ...reversed(6), mtu: 1280 }),
    bytes: `60000000 00383a40 fd000244000000000000000000000010 20010db8000000000000000000000001
      02005a4f 00000500
      60000000 00081140 20010db8000000000000000000000001 fd000244000000000000000000000010
      9c400035 0008365a`,
  },
  {
    name: "a listener report, behind a router alert",
    packet: packet(
      6,
      { kind: "icmp", type: 143, code: 0, id: 0 },
      { source: known("fe80::2"), destination: known("ff02::16"), hopLimit: 1 },
    ),
    bytes: `60000000 00100001 fe800000000000000000000000000002 ff020000000000000000000000000016
      3a00050200000100 8f007321 00000000`,
  },
  {
    name: "a later fragment over IPv6",
    packet: packet(
      6,
      { kind: "fragment", protocol: 17 },
      { payload: 8, fragment: { id: 0x0102_0304, offset: 1480, more: false } },
    ),
    bytes: `60000000 00102c40 20010db8000000000000000000000001 fd000244000000000000000000000010
      110005c8 01020304 0000000000000000`,
  },
  {
    name: "a later fragment over IPv4, with more to come",
    packet: packet(
      4,
      { kind: "fragment", protocol: 17 },
      { payload: 8, fragment: { id: 0x0102_0304, offset: 1480, more: true } },
    ),
    bytes: "4500001c030420b9 40111015 cb007101 0af4000a 0000000000000000",
  },
];

for (const vector of vectors) {
  test(`${vector.name} is encoded byte for byte`, () => {
    assert.equal(hex(encodePacket(vector.packet)), vector.bytes.replaceAll(/\s/g, ""));
  });
}

test("the checksum is that of RFC 1071's example, whole and in parts", () => {
  const words = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assert.equal(internetChecksum(words), 0x220d);
  assert.equal(internetChecksum(words.subarray(0, 2), words.subarray(2)), 0x220d);
});

test("a checksum over many large words keeps its carries", () => {
  assert.equal(internetChecksum(new Uint8Array(60_000).fill(0xff)), 0);
});

test("any other protocol is its number and payload", () => {
  const bytes = encodePacket(packet(4, { kind: "other", protocol: 253 }, { payload: 2 }));
  assert.equal(bytes[9], 253);
  assert.equal(bytes.length, 22);
});

test("a broken packet claims a byte more than it has, in both families", () => {
  const transport: Transport = { kind: "udp", sourcePort: 1, port: 2 };
  const [ipv4, ipv6] = ([4, 6] as const).map((family) => encodePacket(packet(family, transport, { broken: true })));
  assert.equal(ipv4?.[3], 20 + 8 + 1);
  assert.equal(ipv6?.[5], 8 + 1);
});

test("a frame is the packet behind both hardware addresses and the family's EtherType", () => {
  const source = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const destination = Uint8Array.of(2, 0, 0, 0, 0, 2);
  for (const [family, type] of [
    [4, "0800"],
    [6, "86dd"],
  ] as const) {
    const inner = packet(family, { kind: "udp", sourcePort: 1, port: 2 });
    const frame = hex(encodeFrame(inner, { source, destination }));
    assert.equal(frame, `020000000002020000000001${type}${hex(encodePacket(inner))}`);
  }
});
