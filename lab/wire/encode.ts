import { addressBytes } from "../../semantics/address.ts";
import { type Packet, protocolOf } from "../../semantics/packet.ts";
import type { WirePacket } from "../engine/ports.ts";
import { internetChecksum } from "./checksum.ts";
import { encodeTransport } from "./transport.ts";

/** 48-bit hardware addresses of the two ends of a link. */
export interface Ethernet {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** Bytes of a frame before the IP header. */
export const ethernetHeader = 14;

const etherTypes = { 4: 0x0800, 6: 0x86dd } as const;
const hopByHop = 0;
const fragmentHeader = 44;
/** Of the transport, what an ICMP error always quotes (RFC 792). */
const quotedTransport = 8;
const dontFragment = 0x4000;
const moreFragments = 0x2000;

/** MLD carries the router alert option in a hop-by-hop header (RFC 2710, RFC 3810). */
const routerAlert = new Uint8Array([0, 0, 5, 2, 0, 0, 1, 0]);

function isMulticastListener({ family, transport }: Packet): boolean {
  if (family !== 6 || transport.kind !== "icmp") return false;
  return (transport.type >= 130 && transport.type <= 132) || transport.type === 143;
}

function ipv4(packet: WirePacket, body: Uint8Array, addresses: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  const { fragment } = packet;
  view.setUint8(0, 0x45);
  view.setUint16(2, header.length + body.length + (packet.broken === true ? 1 : 0));
  // The kernel gives a raw packet of its own an identification if it has none.
  view.setUint16(4, fragment === undefined ? 1 : fragment.id & 0xffff);
  view.setUint16(
    6,
    fragment === undefined ? dontFragment : (fragment.offset >> 3) | (fragment.more ? moreFragments : 0),
  );
  view.setUint8(8, packet.hopLimit);
  view.setUint8(9, protocolOf(packet));
  header.set(addresses, 12);
  view.setUint16(10, internetChecksum(header));
  return Buffer.concat([header, body]);
}

interface Extension {
  /** The next-header number that leads to it. */
  readonly number: number;
  /** First byte is left for the number of what follows. */
  readonly bytes: Uint8Array;
}

function extensionsOf(packet: WirePacket): Extension[] {
  const extensions: Extension[] = isMulticastListener(packet) ? [{ number: hopByHop, bytes: routerAlert.slice() }] : [];
  if (packet.fragment !== undefined) {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint16(2, packet.fragment.offset | (packet.fragment.more ? 1 : 0));
    view.setUint32(4, packet.fragment.id);
    extensions.push({ number: fragmentHeader, bytes });
  }
  return extensions;
}

function ipv6(packet: WirePacket, body: Uint8Array, addresses: Uint8Array): Uint8Array {
  const extensions = extensionsOf(packet);
  const numbers = [...extensions.map(({ number }) => number), protocolOf(packet)];
  extensions.forEach(({ bytes }, index) => {
    bytes[0] = numbers[index + 1] ?? 0;
  });
  const payload = Buffer.concat([...extensions.map(({ bytes }) => bytes), body]);
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x60);
  view.setUint16(4, payload.length + (packet.broken === true ? 1 : 0));
  view.setUint8(6, numbers[0] ?? 0);
  view.setUint8(7, packet.hopLimit);
  header.set(addresses, 8);
  return Buffer.concat([header, payload]);
}

function encodeQuoted(quoted: Packet): Uint8Array {
  const { kind } = quoted.transport;
  const payload = kind === "other" || kind === "fragment" ? quotedTransport : 0;
  return encodePacket({ ...quoted, payload }).subarray(0, (quoted.family === 4 ? 20 : 40) + quotedTransport);
}

/** A packet from its IP header on. All checksums are right; a `broken` one claims a byte more than it has. */
export function encodePacket(packet: WirePacket): Uint8Array {
  const addresses = Buffer.concat([addressBytes(packet.source).bytes, addressBytes(packet.destination).bytes]);
  const body = encodeTransport({
    family: packet.family,
    transport: packet.transport,
    payload: packet.payload,
    ...(packet.mtu === undefined ? {} : { mtu: packet.mtu }),
    addresses,
    encodeQuoted,
  });
  return packet.family === 4 ? ipv4(packet, body, addresses) : ipv6(packet, body, addresses);
}

/** A whole Ethernet frame. */
export function encodeFrame(packet: WirePacket, ethernet: Ethernet): Uint8Array {
  const type = etherTypes[packet.family];
  return Buffer.concat([
    ethernet.destination,
    ethernet.source,
    new Uint8Array([type >> 8, type & 0xff]),
    encodePacket(packet),
  ]);
}
