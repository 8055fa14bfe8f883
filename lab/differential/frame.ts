import type { Packet } from "../../semantics/packet.ts";
import type { Family } from "../../semantics/policy.ts";
import { encodePacket } from "../wire/encode.ts";
import type { Sent } from "./sequence.ts";
import type { Fault, QuoteShape, Shape } from "./shape.ts";

const ethernetHeader = 14;
const icmpHeader = 8;
const authentication = 51;
const destinationOptions = 60;
const fragmentHeader = 44;
/** Longest chain that the programs follow (IPV6_EXTENSIONS_MAX in parse.h). */
const longestChain = 6;

const ipHeader: Readonly<Record<Family, number>> = { 4: 20, 6: 40 };
const etherTypes = { 4: 0x0800, 6: 0x86dd } as const;

/** An IP packet in the making: its bytes, and where its transport header begins. */
interface Datagram {
  readonly family: Family;
  readonly bytes: Uint8Array;
  readonly transport: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Adds to the length that the IP header claims. */
function claim({ family, bytes }: Datagram, more: number): void {
  const at = family === 4 ? 2 : 4;
  viewOf(bytes).setUint16(at, viewOf(bytes).getUint16(at) + more);
}

function insert(bytes: Uint8Array, at: number, added: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]);
}

/** Words of "no operation". */
function withOptions({ bytes, transport }: Datagram, words: number): Datagram {
  const longer = insert(bytes, ipHeader[4], new Uint8Array(words * 4).fill(1));
  longer[0] = 0x40 | (5 + words);
  const datagram: Datagram = { family: 4, bytes: longer, transport: transport + words * 4 };
  claim(datagram, words * 4);
  return datagram;
}

/** 16 bytes of authentication header, 8 of every other. That of a fragment says that it is the whole datagram. */
function extension(number: number, next: number): Uint8Array {
  if (number === authentication) return Uint8Array.of(next, 2, ...new Array<number>(14).fill(0));
  return Uint8Array.of(next, ...new Array<number>(7).fill(0));
}

/** Puts extension headers in front of what is there. */
function withExtensions({ bytes, transport }: Datagram, numbers: readonly number[]): Datagram {
  const first = bytes[6] ?? 0;
  const headers = numbers.map((number, index) => extension(number, numbers[index + 1] ?? first));
  const added = Buffer.concat(headers);
  const longer = insert(bytes, ipHeader[6], added);
  longer[6] = numbers[0] ?? first;
  const datagram: Datagram = { family: 6, bytes: longer, transport: transport + added.length };
  claim(datagram, added.length);
  return datagram;
}

function lengthened(datagram: Datagram, { options, extensions }: Pick<Shape, "options" | "extensions">): Datagram {
  if (datagram.family === 4) return options === undefined ? datagram : withOptions(datagram, options);
  return extensions === undefined ? datagram : withExtensions(datagram, extensions);
}

/** Where the transport header of what `encodePacket` made begins. */
function transportOf({ family, fragment, transport }: Packet): number {
  const listener =
    family === 6 &&
    transport.kind === "icmp" &&
    ((transport.type >= 130 && transport.type <= 132) || transport.type === 143);
  return ipHeader[family] + (family === 6 && fragment !== undefined ? 8 : 0) + (listener ? 8 : 0);
}

function plainDatagram(packet: Packet, payload: number): Datagram {
  const { broken: _, ...whole } = packet;
  const bytes = encodePacket({ ...whole, payload });
  return { family: packet.family, bytes, transport: transportOf(packet) };
}

/** What an ICMP error quotes: `there` of it in the datagram, `spilt` behind. */
function quoteOf(shape: QuoteShape): { there: Uint8Array; spilt: Uint8Array } {
  const datagram = lengthened(plainDatagram(shape.packet, 8), shape);
  const cut = shape.transport < 0 ? ipHeader[datagram.family] - 1 : datagram.transport + shape.transport;
  const end = Math.min(datagram.bytes.length, cut);
  return { there: datagram.bytes.subarray(0, end), spilt: datagram.bytes.subarray(end, end + 8) };
}

/** A fault that lies in the bytes of a datagram that is whole otherwise. */
function damage(datagram: Datagram, fault: Fault): Datagram {
  const { bytes, transport } = datagram;
  const view = viewOf(bytes);
  switch (fault) {
    case "version":
      view.setUint8(0, (view.getUint8(0) & 0x0f) | 0x50);
      return datagram;
    case "claims-more-than-there-is":
      claim(datagram, 1);
      return datagram;
    case "short-header":
      view.setUint8(0, 0x44);
      return datagram;
    case "cut-in-transport":
      claim(datagram, transport + 7 - bytes.length);
      return datagram;
    case "tcp-offset":
      view.setUint8(transport + 12, bytes.length & 1 ? 4 << 4 : 15 << 4);
      return datagram;
    case "udp-length":
      view.setUint16(transport + 4, 7);
      return datagram;
    case "long-chain":
      return withExtensions(datagram, new Array<number>(longestChain + 1).fill(destinationOptions));
    case "two-fragment-headers":
      return withExtensions(datagram, [fragmentHeader, fragmentHeader]);
    case "extension-beyond-end": {
      const longer = withExtensions(datagram, [destinationOptions]);
      viewOf(longer.bytes).setUint8(ipHeader[6] + 1, 40);
      return longer;
    }
    case "overlapping-fragment":
    case "overlong-fragment":
      // The packet itself says where the fragment lies.
      return datagram;
  }
}

function datagramOf({ packet, shape }: Sent): Datagram {
  const { transport } = packet;
  const { fault, padding = 0 } = shape;
  const { quoted: _, ...unquoted } = transport.kind === "icmp" ? transport : { ...transport, quoted: undefined };
  const quote = shape.quote === undefined ? undefined : quoteOf(shape.quote);
  const payload = quote?.there.length ?? shape.payload ?? 0;
  const plain = plainDatagram({ ...packet, transport: unquoted as Packet["transport"] }, payload);
  if (quote !== undefined) plain.bytes.set(quote.there, plain.transport + icmpHeader);
  const whole = lengthened(plain, shape);
  const damaged = fault === undefined ? whole : damage(whole, fault);
  const behind = shape.quote?.spilt === true && quote !== undefined ? quote.spilt : new Uint8Array(padding);
  return { ...damaged, bytes: Buffer.concat([damaged.bytes, behind]) };
}

/** The frame that a packet is sent in. MAC addresses are zero: no program looks at them. */
export function frameOf(sent: Sent): Uint8Array {
  const { family, bytes } = datagramOf(sent);
  const tags = sent.shape.tags ?? 0;
  const header = new Uint8Array(ethernetHeader + tags * 4);
  const view = viewOf(header);
  for (let tag = 0; tag < tags; tag++) {
    view.setUint16(12 + tag * 4, tag === 0 && tags === 2 ? 0x88a8 : 0x8100);
    view.setUint16(14 + tag * 4, 100 + tag);
  }
  view.setUint16(12 + tags * 4, etherTypes[family]);
  return Buffer.concat([header, bytes]);
}
