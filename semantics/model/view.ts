import { type Packet, protocolOf, type Transport, tcpFlags } from "../packet.ts";
import type { Address, Direction, Family, ProtocolNumber } from "../policy.ts";
import type { KnownAddress } from "./prefixes.ts";

/** A packet as its endpoint sees it: local is the pod's side, remote the other one. */
export interface PacketView {
  readonly packet: Packet;
  readonly direction: Direction;
  readonly family: Family;
  readonly protocol: ProtocolNumber;
  readonly local: KnownAddress;
  readonly remote: KnownAddress;
  /** The packet's own; of a later fragment always kind `fragment`. */
  readonly transport: Transport;
  /** TCP and UDP; else 0. */
  readonly localPort: number;
  readonly remotePort: number;
}

/** The other direction. */
export function opposite(direction: Direction): Direction {
  return direction === "ingress" ? "egress" : "ingress";
}

/** S-41: what such a packet says of ports is not looked at. */
function isLaterFragment({ fragment, transport }: Packet): boolean {
  return transport.kind === "fragment" || (fragment !== undefined && fragment.offset > 0);
}

/** Bytes of a TCP header without options. */
const tcpHeader = 20;

/** A later fragment that would overwrite what the first one was judged by can't be trusted (RFC 3128). **Decision.** */
function withTrust(packet: Packet, protocol: ProtocolNumber): Packet {
  const overwrites = isLaterFragment(packet) && protocol === 6 && (packet.fragment?.offset ?? tcpHeader) < tcpHeader;
  return overwrites ? { ...packet, broken: true } : packet;
}

/** Sees a packet from the endpoint that it enters or leaves. */
export function viewOf(written: Packet, direction: Direction, read: (address: Address) => KnownAddress): PacketView {
  const protocol = protocolOf(written);
  const packet = withTrust(written, protocol);
  const transport: Transport = isLaterFragment(packet) ? { kind: "fragment", protocol } : packet.transport;
  const [source, destination] = [read(packet.source), read(packet.destination)];
  const [sourcePort, port] =
    transport.kind === "tcp" || transport.kind === "udp" ? [transport.sourcePort, transport.port] : [0, 0];
  const common = { packet, direction, family: packet.family, protocol, transport };
  return direction === "egress"
    ? { ...common, local: source, remote: destination, localPort: sourcePort, remotePort: port }
    : { ...common, local: destination, remote: source, localPort: port, remotePort: sourcePort };
}

/** Whether a TCP packet has this flag of `tcpFlags`. */
export function hasFlag({ transport }: PacketView, flag: number): boolean {
  return transport.kind === "tcp" && (transport.flags & flag) !== 0;
}

/** The TCP packet that opens a connection: SYN without ACK. */
export function isPlainSyn(view: PacketView): boolean {
  return hasFlag(view, tcpFlags.SYN) && !hasFlag(view, tcpFlags.ACK);
}
