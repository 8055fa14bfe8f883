import { type Packet, type Transport, tcpFlags } from "../../semantics/packet.ts";
import type { Family } from "../../semantics/policy.ts";
import { internetChecksum } from "./checksum.ts";

/** What a transport header needs to know of its packet. */
export interface TransportInput {
  readonly family: Family;
  readonly transport: Transport;
  /** Bytes after the transport header; they are zeros. */
  readonly payload: number;
  /** Next-hop MTU of a "packet too big". */
  readonly mtu?: number;
  /** The IP pseudo header, without the transport's length and protocol. */
  readonly addresses: Uint8Array;
  /** Bytes that an ICMP error carries of a packet. */
  readonly encodeQuoted: (packet: Packet) => Uint8Array;
}

/** RFC 9293: what a receiver would accept; nothing here depends on it. */
const window = 0xffff;
const echoRequest = { 4: 8, 6: 128 } as const;
const echoReply = { 4: 0, 6: 129 } as const;

function pseudoHeader({ addresses }: TransportInput, length: number, protocol: number): Uint8Array {
  // Both families' pseudo headers sum to the same words: zeros add nothing.
  const tail = new Uint8Array(8);
  const view = new DataView(tail.buffer);
  view.setUint32(0, length);
  view.setUint8(7, protocol);
  return Buffer.concat([addresses, tail]);
}

function encodeTcp(input: TransportInput, tcp: Transport & { kind: "tcp" }): Uint8Array {
  const bytes = new Uint8Array(20 + input.payload);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, tcp.sourcePort);
  view.setUint16(2, tcp.port);
  view.setUint32(4, 1);
  view.setUint32(8, (tcp.flags & tcpFlags.ACK) === 0 ? 0 : 1);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, tcp.flags);
  view.setUint16(14, window);
  view.setUint16(16, internetChecksum(pseudoHeader(input, bytes.length, 6), bytes));
  return bytes;
}

function encodeUdp(input: TransportInput, udp: Transport & { kind: "udp" }): Uint8Array {
  const bytes = new Uint8Array(8 + input.payload);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, udp.sourcePort);
  view.setUint16(2, udp.port);
  view.setUint16(4, bytes.length);
  // A computed zero is sent as all ones; zero means that there is no checksum (RFC 768).
  view.setUint16(6, internetChecksum(pseudoHeader(input, bytes.length, 17), bytes) || 0xffff);
  return bytes;
}

/** The four bytes after an ICMP header's checksum: identifier and sequence, or an error's MTU. */
function writeRest(view: DataView, { family, mtu }: TransportInput, icmp: Transport & { kind: "icmp" }): void {
  if (mtu !== undefined) {
    if (family === 4) view.setUint16(6, mtu);
    else view.setUint32(4, mtu);
    return;
  }
  if (icmp.quoted !== undefined) return;
  view.setUint16(4, icmp.id);
  if (icmp.type === echoRequest[family] || icmp.type === echoReply[family]) view.setUint16(6, 1);
}

function encodeIcmp(input: TransportInput, icmp: Transport & { kind: "icmp" }): Uint8Array {
  const quoted = icmp.quoted === undefined ? new Uint8Array() : input.encodeQuoted(icmp.quoted);
  const bytes = new Uint8Array(8 + quoted.length + input.payload);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, icmp.type);
  view.setUint8(1, icmp.code);
  writeRest(view, input, icmp);
  bytes.set(quoted, 8);
  const pseudo = input.family === 6 ? [pseudoHeader(input, bytes.length, 58)] : [];
  view.setUint16(2, internetChecksum(...pseudo, bytes));
  return bytes;
}

/** The transport header, with a correct checksum, and what follows it. */
export function encodeTransport(input: TransportInput): Uint8Array {
  const { transport } = input;
  switch (transport.kind) {
    case "tcp":
      return encodeTcp(input, transport);
    case "udp":
      return encodeUdp(input, transport);
    case "icmp":
      return encodeIcmp(input, transport);
    case "other":
    case "fragment":
      return new Uint8Array(input.payload);
  }
}
