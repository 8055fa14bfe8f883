import { addressBytes } from "../../../semantics/address.ts";
import type { Address } from "../../../semantics/policy.ts";

/** One TCP segment as `BPF_PROG_TEST_RUN` takes it. */
export interface Segment {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly port: number;
  /** Bits of the 13th header byte. */
  readonly flags: number;
}

const tcp = 6;
const hopLimit = 64;

function ipv4Header(payload: number, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  header[0] = 0x45;
  new DataView(header.buffer).setUint16(2, 20 + payload);
  header[8] = hopLimit;
  header[9] = tcp;
  header.set(source, 12);
  header.set(destination, 16);
  return header;
}

function ipv6Header(payload: number, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  header[0] = 0x60;
  new DataView(header.buffer).setUint16(4, payload);
  header[6] = tcp;
  header[7] = hopLimit;
  header.set(source, 8);
  header.set(destination, 24);
  return header;
}

/** The segment in its frame. Checksums and MAC addresses are zero: no program looks at them. */
export function tcpFrame({ source, destination, sourcePort, port, flags }: Segment): Uint8Array {
  const segment = new Uint8Array(20 + 32);
  const view = new DataView(segment.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, port);
  segment[12] = 5 << 4;
  segment[13] = flags;
  const [from, to] = [addressBytes(source), addressBytes(destination)];
  const header = from.family === 4 ? ipv4Header : ipv6Header;
  const ethernet = new Uint8Array(14);
  new DataView(ethernet.buffer).setUint16(12, from.family === 4 ? 0x0800 : 0x86dd);
  return Uint8Array.from([...ethernet, ...header(segment.length, from.bytes, to.bytes), ...segment]);
}
