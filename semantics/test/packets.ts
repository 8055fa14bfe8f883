import { type Packet, type Transport, tcpFlags } from "../packet.ts";
import type { Direction } from "../policy.ts";
import { address } from "./rules.ts";

/** The pod that tests are about. */
export const pod = { uid: "pod", v4: address("10.244.0.10"), v6: address("fd00:244::10") };

/** A packet on its way into the pod or out of it. */
export interface Sent {
  readonly direction: Direction;
  readonly packet: Packet;
}

/** Ends of a packet, from the pod's view. */
interface Ends {
  readonly remote: string;
  /** Absent: the pod's address of the remote's family. */
  readonly local?: string;
}

function send(direction: Direction, { remote, local }: Ends, transport: Transport): Sent {
  const far = address(remote);
  const family = far.includes(":") ? 6 : 4;
  const near = address(local ?? (family === 4 ? pod.v4 : pod.v6));
  const [source, destination] = direction === "egress" ? [near, far] : [far, near];
  const packet = { family, source, destination, transport, hopLimit: 64, length: 100, fromNode: false } as const;
  return { direction, packet };
}

type FlagName = keyof typeof tcpFlags;

/** Bits of `SYN` or `SYN,ACK`; nothing: no flag. */
function bits(names: string): number {
  return names.split(",").reduce((sum, name) => sum | (tcpFlags[name as FlagName] ?? 0), 0);
}

interface Ports extends Ends {
  readonly port: number;
  readonly remotePort: number;
}

export function tcp(direction: Direction, ends: Ports, flags: string): Sent {
  const { port, remotePort } = ends;
  const [sourcePort, destinationPort] = direction === "egress" ? [port, remotePort] : [remotePort, port];
  return send(direction, ends, { kind: "tcp", sourcePort, port: destinationPort, flags: bits(flags) });
}

export function udp(direction: Direction, ends: Ports): Sent {
  const { port, remotePort } = ends;
  const [sourcePort, destinationPort] = direction === "egress" ? [port, remotePort] : [remotePort, port];
  return send(direction, ends, { kind: "udp", sourcePort, port: destinationPort });
}

/** ICMP or ICMPv6, by the remote's family. */
export function icmp(direction: Direction, remote: string, type: number, code = 0, id = 0): Sent {
  return send(direction, { remote }, { kind: "icmp", type, code, id });
}

export function echo(direction: Direction, remote: string, message: "request" | "reply", id = 1): Sent {
  const v6 = remote.includes(":");
  const type = message === "request" ? (v6 ? 128 : 8) : v6 ? 129 : 0;
  return icmp(direction, remote, type, 0, id);
}

export function other(direction: Direction, remote: string, protocol: number): Sent {
  return send(direction, { remote }, { kind: "other", protocol });
}

/** An ICMP error from `remote` or to it that quotes a packet: by default "unreachable". */
export function errorAbout(quoted: Sent, remote: string, type?: number, code = 0): Sent {
  const direction = quoted.direction === "egress" ? "ingress" : "egress";
  const v6 = quoted.packet.family === 6;
  const sent = send(direction, { remote }, { kind: "icmp", type: type ?? (v6 ? 1 : 3), code, id: 0 });
  const transport = { ...sent.packet.transport, quoted: quoted.packet } as Transport;
  return { direction, packet: { ...sent.packet, transport } };
}

/** The same packet with other headers. */
export function changed({ direction, packet }: Sent, change: Partial<Packet>): Sent {
  return { direction, packet: { ...packet, ...change } };
}

/** The same packet, out of the node's own stack. */
export function fromNode(sent: Sent): Sent {
  return changed(sent, { fromNode: true });
}

/** The same packet as the first fragment of a datagram. */
export function firstFragment(sent: Sent, id: number): Sent {
  return changed(sent, { fragment: { id, offset: 0, more: true } });
}

const numbers = { tcp: 6, udp: 17 } as const;

/** A later fragment of the datagram that the packet is of. */
export function laterFragment(sent: Sent, id: number): Sent {
  const { kind } = sent.packet.transport;
  const protocol =
    kind === "tcp" || kind === "udp"
      ? numbers[kind]
      : "protocol" in sent.packet.transport
        ? sent.packet.transport.protocol
        : sent.packet.family === 4
          ? 1
          : 58;
  return changed(sent, { transport: { kind: "fragment", protocol }, fragment: { id, offset: 1480, more: false } });
}
