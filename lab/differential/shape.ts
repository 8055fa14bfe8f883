import type { Packet } from "../../semantics/packet.ts";

/** What makes a packet `broken`. */
export type Fault =
  | "version"
  | "claims-more-than-there-is"
  | "short-header"
  | "cut-in-transport"
  | "tcp-offset"
  | "udp-length"
  | "long-chain"
  | "two-fragment-headers"
  | "overlapping-fragment"
  | "overlong-fragment"
  | "extension-beyond-end";

/** How a packet lies in its frame, beside what the contract looks at. */
export interface Shape {
  /** 802.1Q tags in the frame. */
  readonly tags?: 1 | 2;
  /** IPv4: 32-bit words of options. */
  readonly options?: number;
  /** IPv6: numbers of extension headers before all others. */
  readonly extensions?: readonly number[];
  /** Bytes behind the transport header. */
  readonly payload?: number;
  /** Bytes in the frame behind the datagram, as Ethernet pads. */
  readonly padding?: number;
  readonly fault?: Fault;
  readonly quote?: QuoteShape;
}

/** The packet that an ICMP error quotes, as it lies in the error; the contract's packet has it only where enough of it does. */
export interface QuoteShape {
  readonly packet: Packet;
  /** Bytes that are there of its transport header; -1: its IP header is incomplete. */
  readonly transport: number;
  readonly options?: number;
  readonly extensions?: readonly number[];
  /** The bytes that are missing lie behind the datagram's end, where nobody may look. */
  readonly spilt?: true;
}
