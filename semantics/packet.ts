import type { Address, Family, ProtocolNumber } from "./policy.ts";

/** TCP flags as bits of the 13th header byte (RFC 9293). */
export const tcpFlags = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

/** What a packet says of its transport. */
export type Transport =
  | { readonly kind: "tcp"; readonly sourcePort: number; readonly port: number; readonly flags: number }
  | { readonly kind: "udp"; readonly sourcePort: number; readonly port: number }
  /** ICMP in IPv4, ICMPv6 in IPv6. `id` is that of echo messages; `quoted` is the packet an error carries (S-34). */
  | {
      readonly kind: "icmp";
      readonly type: number;
      readonly code: number;
      readonly id: number;
      readonly quoted?: Packet;
    }
  /** Any other protocol number, also ICMP of the other family. */
  | { readonly kind: "other"; readonly protocol: number }
  /** A later fragment: no transport header (S-41). */
  | { readonly kind: "fragment"; readonly protocol: number };

/** One IP packet on an endpoint's interface, as far as the contract looks at it. */
export interface Packet {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly transport: Transport;
  /** IPv4 TTL or IPv6 hop limit. */
  readonly hopLimit: number;
  /** Identifies the datagram that fragments belong to; absent: not a fragment. `offset` 0 is the first one. */
  readonly fragment?: { readonly id: number; readonly offset: number; readonly more: boolean };
  /** Bytes on the wire, Ethernet header included. */
  readonly length: number;
  /** The packet came out of the node's own stack: it has no ingress interface (S-20). Ingress only. */
  readonly fromNode: boolean;
  /** A header that can't be trusted: truncated, wrong version, bad length (dropped as `malformed`). */
  readonly broken?: true;
}

/** Number in the IP header's protocol or next-header field. */
export function protocolOf({ family, transport }: Pick<Packet, "family" | "transport">): ProtocolNumber {
  switch (transport.kind) {
    case "tcp":
      return 6;
    case "udp":
      return 17;
    case "icmp":
      return family === 4 ? 1 : 58;
    case "other":
    case "fragment":
      return transport.protocol;
  }
}
