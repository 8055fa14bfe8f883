import { addressBytes } from "../../semantics/address.ts";
import type { Address } from "../../semantics/policy.ts";
import { internetChecksum } from "../wire/checksum.ts";

/** Flag bits of the TCP header. */
export const flag = { FIN: 1, SYN: 2, RST: 4, ACK: 16 } as const;

export const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** A big-endian 16-bit number. */
const word = (value: number): Uint8Array => Uint8Array.of((value >> 8) & 255, value & 255);

/** A transport header with what follows it, and where its checksum goes. */
export interface Body {
  readonly protocol: number;
  readonly bytes: Uint8Array;
  readonly checksumAt?: number;
}

interface TcpFields {
  readonly from: number;
  readonly to: number;
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** In words of 4 bytes; the true one if absent. */
  readonly dataOffset?: number;
  readonly payload?: Uint8Array;
}

export function tcp({ from, to, flags, sequence = 1, acknowledgement = 1, dataOffset = 5, payload }: TcpFields): Body {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint16(0, from);
  view.setUint16(2, to);
  view.setUint32(4, sequence);
  view.setUint32(8, acknowledgement);
  view.setUint8(12, dataOffset << 4);
  view.setUint8(13, flags);
  view.setUint16(14, 0xffff);
  return { protocol: 6, bytes: join(header, payload ?? new Uint8Array()), checksumAt: 16 };
}

/** `length` is what the header claims. */
export function udp(
  from: number,
  to: number,
  payload: Uint8Array = new Uint8Array(),
  length = 8 + payload.length,
): Body {
  return {
    protocol: 17,
    bytes: join(word(from), word(to), word(length), word(0), payload),
    checksumAt: 6,
  };
}

export const icmp = (type: number, id: number, rest: Uint8Array = new Uint8Array()): Body => ({
  protocol: 1,
  bytes: join(Uint8Array.of(type, 0, 0, 0), word(id), word(1), rest),
  checksumAt: 2,
});

export const icmp6 = (type: number, id: number, rest: Uint8Array = new Uint8Array()): Body => ({
  ...icmp(type, id, rest),
  protocol: 58,
});

export const other = (protocol: number, bytes: Uint8Array = new Uint8Array(8)): Body => ({ protocol, bytes });

/** The two addresses of a packet. */
export interface Route {
  readonly source: Address;
  readonly destination: Address;
}

const addressesOf = ({ source, destination }: Route): Uint8Array =>
  join(addressBytes(source).bytes, addressBytes(destination).bytes);

function checked({ protocol, bytes, checksumAt }: Body, route: Route): Uint8Array {
  if (checksumAt === undefined || bytes.length < checksumAt + 2) return bytes;
  const copy = bytes.slice();
  const pseudo = protocol === 1 ? new Uint8Array() : join(addressesOf(route), word(bytes.length), word(protocol));
  copy.set(word(internetChecksum(pseudo, copy)), checksumAt);
  return copy;
}

interface Ip4Fields {
  /** Whole words of 4 bytes. */
  readonly options?: Uint8Array;
  readonly id?: number;
  /** Bytes into the datagram, and whether more follow; the checksum is left as `body` has it. */
  readonly fragment?: { readonly offset: number; readonly more: boolean };
  /** What the header claims, in place of the truth. */
  readonly totalLength?: number;
  readonly headerWords?: number;
  readonly version?: number;
}

/** An IPv4 packet. */
export function ip4(route: Route, body: Body, fields: Ip4Fields = {}): Uint8Array {
  const options = fields.options ?? new Uint8Array();
  const payload = fields.fragment === undefined ? checked(body, route) : body.bytes;
  const header = new Uint8Array(20 + options.length);
  const view = new DataView(header.buffer);
  view.setUint8(0, ((fields.version ?? 4) << 4) | (fields.headerWords ?? header.length / 4));
  view.setUint16(2, fields.totalLength ?? header.length + payload.length);
  view.setUint16(4, fields.id ?? 1);
  view.setUint16(6, ((fields.fragment?.offset ?? 0) >> 3) | (fields.fragment?.more === true ? 0x2000 : 0));
  view.setUint8(8, 64);
  view.setUint8(9, body.protocol);
  header.set(addressesOf(route), 12);
  header.set(options, 20);
  view.setUint16(10, internetChecksum(header));
  return join(header, payload);
}

/** An IPv6 extension header; its first byte is filled in with the number of what follows. */
export interface Extension {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export const extension = {
  hopByHop: { number: 0, bytes: Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0) },
  /** Type 4 with no segments left. */
  routing: { number: 43, bytes: Uint8Array.of(0, 0, 4, 0, 0, 0, 0, 0) },
  destination: { number: 60, bytes: Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0) },
  /** 24 bytes: its length counts words of 4 less two. */
  authentication: { number: 51, bytes: Uint8Array.of(0, 4, ...new Uint8Array(22)) },
} as const satisfies Record<string, Extension>;

export function fragmentHeader(id: number, offset = 0, more = false): Extension {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint16(2, offset | (more ? 1 : 0));
  new DataView(bytes.buffer).setUint32(4, id);
  return { number: 44, bytes };
}

interface Ip6Fields {
  readonly extensions?: readonly Extension[];
  /** What the header claims, in place of the truth. */
  readonly payloadLength?: number;
  readonly hopLimit?: number;
}

/** An IPv6 packet. */
export function ip6(route: Route, body: Body, fields: Ip6Fields = {}): Uint8Array {
  const extensions = fields.extensions ?? [];
  const isFragment = extensions.some(({ number }) => number === 44);
  const numbers = [...extensions.map(({ number }) => number), body.protocol];
  const chain = extensions.map(({ bytes }, index) => join(Uint8Array.of(numbers[index + 1] ?? 59), bytes.subarray(1)));
  const payload = join(...chain, isFragment ? body.bytes : checked(body, route));
  const header = join(
    Uint8Array.of(0x60, 0, 0, 0),
    word(fields.payloadLength ?? payload.length),
    Uint8Array.of(numbers[0] ?? 59, fields.hopLimit ?? 64),
    addressesOf(route),
  );
  return join(header, payload);
}

/** Hardware addresses of a frame. */
export interface Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** A VLAN tag: its EtherType and control field. */
export type Tag = readonly [etherType: number, control: number];

/** The frame of a packet; the EtherType follows from its version unless it is given. */
export function ethernet(
  { source, destination }: Ends,
  packet: Uint8Array,
  { tags = [], type }: { tags?: readonly Tag[]; type?: number } = {},
): Uint8Array {
  const own = (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800;
  return join(destination, source, ...tags.flat().map(word), word(type ?? own), packet);
}
