import { type Transport, tcpFlags } from "../../../semantics/packet.ts";
import type { Family } from "../../../semantics/policy.ts";
import type { Chance } from "../chance.ts";
import { clientPorts, dhcpPorts, type Some, servicePorts } from "./pool.ts";

const { SYN, ACK, FIN, RST, PSH, URG, ECE, CWR } = tcpFlags;

/** What a TCP stack sends, and what none does. */
const flagsOfStacks: Some<number> = [SYN, SYN, SYN | ACK, ACK, ACK, PSH | ACK, FIN | ACK, RST, RST | ACK];
const flagsOfNoStack: Some<number> = [
  0,
  SYN | FIN,
  SYN | RST,
  SYN | ECE | CWR,
  SYN | ACK | FIN,
  ECE | CWR,
  FIN | PSH | URG,
  URG,
  FIN,
  SYN | PSH,
];

export function randomFlags(chance: Chance): number {
  return chance.onceIn(12) ? chance.pick(flagsOfNoStack) : chance.pick(flagsOfStacks);
}

interface Numbers {
  readonly request: number;
  readonly reply: number;
  readonly errors: Some<number>;
  readonly others: Some<number>;
}

export const icmpNumbers: Readonly<Record<Family, Numbers>> = {
  4: { request: 8, reply: 0, errors: [3, 11, 12], others: [4, 5, 9, 13, 14, 128, 135] },
  6: { request: 128, reply: 129, errors: [1, 2, 3, 4], others: [5, 8, 0, 100, 138, 160] },
};

const discovery: Some<number> = [133, 134, 135, 136, 137];
const listener: Some<number> = [130, 131, 132, 143];
const otherProtocols: Readonly<Record<Family, Some<number>>> = {
  4: [253, 47, 50, 51, 132, 2, 58, 136, 0, 44],
  6: [253, 47, 50, 59, 132, 2, 1, 136],
};

function randomIcmp(chance: Chance, family: Family): Transport {
  const { request, reply, errors, others } = icmpNumbers[family];
  const type = chance.weighted(
    [6, () => request],
    [5, () => reply],
    [1, () => chance.pick(errors)],
    [2, () => chance.pick(others)],
    [family === 6 ? 3 : 0, () => chance.pick(discovery)],
    [family === 6 ? 2 : 0, () => chance.pick(listener)],
  );
  return { kind: "icmp", type, code: chance.onceIn(12) ? 4 : 0, id: chance.below(3) };
}

/** Ports of a client and a server, seen from the pod: it is as often the one as the other. */
function randomPorts(chance: Chance): { readonly local: number; readonly remote: number } {
  const [server, client] = [chance.pick(servicePorts), chance.pick(clientPorts)];
  return chance.weighted(
    [5, () => ({ local: server, remote: client })],
    [5, () => ({ local: client, remote: server })],
    [1, () => ({ local: server, remote: chance.pick(servicePorts) })],
  );
}

function randomUdpPorts(chance: Chance, family: Family): { readonly local: number; readonly remote: number } {
  const { client, server } = dhcpPorts[family];
  if (!chance.onceIn(6)) return randomPorts(chance);
  return chance.onceIn(5) ? { local: server, remote: client } : { local: client, remote: server };
}

/** A transport of any kind but a fragment's. `leaves`: out of the pod. */
export function randomTransport(chance: Chance, family: Family, leaves: boolean): Transport {
  const ends = ({ local, remote }: { readonly local: number; readonly remote: number }) =>
    leaves ? { sourcePort: local, port: remote } : { sourcePort: remote, port: local };
  return chance.weighted<Transport>(
    [10, () => ({ kind: "tcp", ...ends(randomPorts(chance)), flags: randomFlags(chance) })],
    [6, () => ({ kind: "udp", ...ends(randomUdpPorts(chance, family)) })],
    [6, () => randomIcmp(chance, family)],
    [2, () => ({ kind: "other", protocol: chance.pick(otherProtocols[family]) })],
  );
}

/** What the other side says to that. */
export function replyTo(chance: Chance, transport: Transport, family: Family): Transport {
  switch (transport.kind) {
    case "tcp":
      return {
        kind: "tcp",
        sourcePort: transport.port,
        port: transport.sourcePort,
        flags: chance.onceIn(2) && (transport.flags & (SYN | ACK)) === SYN ? SYN | ACK : randomFlags(chance),
      };
    case "udp":
      return { kind: "udp", sourcePort: transport.port, port: transport.sourcePort };
    case "icmp": {
      const { request, reply } = icmpNumbers[family];
      return { kind: "icmp", type: transport.type === request ? reply : request, code: 0, id: transport.id };
    }
    case "other":
    case "fragment":
      return transport;
  }
}
