import { protocolName } from "../../crds/protocol.ts";
import { cidrContains } from "../../semantics/address.ts";
import type { Packet } from "../../semantics/packet.ts";
import type {
  AclRule,
  Address,
  AddressSet,
  Cidr,
  Direction,
  GroupKey,
  IcmpMatch,
  Peer,
  Rule,
  Service,
} from "../../semantics/policy.ts";

/** What rules compare of a packet, seen from the endpoint. */
export interface Traffic {
  readonly protocol: number;
  /** Destination port; tcp and udp only. */
  readonly port?: number;
  readonly icmp?: IcmpMatch;
  readonly remote: Address;
}

/** One thing of a packet that a rule does not match. */
export interface Misfit {
  readonly text: string;
  /** How far off it is: the protocol more than the port, the port more than the peer. */
  readonly distance: number;
}

const misfit = (distance: number, text: string): readonly Misfit[] => [{ text, distance }];
const otherProtocol = 4;
const otherPort = 2;
const otherPeer = 1;

/** What rules compare of this packet. A later fragment has no ports. */
export function trafficOf(packet: Packet, direction: Direction): Traffic {
  const { transport, family } = packet;
  const remote = direction === "ingress" ? packet.source : packet.destination;
  switch (transport.kind) {
    case "tcp":
      return { protocol: 6, port: transport.port, remote };
    case "udp":
      return { protocol: 17, port: transport.port, remote };
    case "icmp":
      return {
        protocol: family === 4 ? 1 : 58,
        icmp: { type: transport.type, code: transport.code },
        remote,
      };
    case "other":
    case "fragment":
      return { protocol: transport.protocol, remote };
  }
}

function portMisfits({ ports }: Service, { port }: Traffic): readonly Misfit[] {
  if (ports === undefined) return [];
  if (port === undefined) return misfit(otherPort, "the packet has no port");
  if (port >= ports.from && port <= ports.to) return [];
  return misfit(otherPort, `port ${port} is not ${ports.from === ports.to ? "" : "in "}${portsText(ports)}`);
}

function icmpMisfits({ icmp }: Service, { icmp: sent }: Traffic): readonly Misfit[] {
  if (icmp === undefined || icmp.type === -1) return [];
  if (sent === undefined) return misfit(otherPort, "the packet has no ICMP type");
  if (sent.type !== icmp.type) return misfit(otherPort, `type ${sent.type} is not ${icmp.type}`);
  return icmp.code === -1 || icmp.code === sent.code ? [] : misfit(otherPort, `code ${sent.code} is not ${icmp.code}`);
}

function serviceMisfits(service: Service, traffic: Traffic): readonly Misfit[] {
  if (service.protocol === -1) return [];
  if (service.protocol !== traffic.protocol)
    return misfit(otherProtocol, `${protocolName(traffic.protocol)} is not ${protocolName(service.protocol)}`);
  return [...portMisfits(service, traffic), ...icmpMisfits(service, traffic)];
}

function cidrMisfits(cidr: Cidr, remote: Address): readonly Misfit[] {
  return cidrContains(cidr, remote) ? [] : misfit(otherPeer, `${remote} is not in ${cidr}`);
}

/** What of a packet an ACL's rule does not match; empty if the rule matches. */
export function aclMisfits({ service, cidr }: AclRule, traffic: Traffic): readonly Misfit[] {
  return [...serviceMisfits(service, traffic), ...cidrMisfits(cidr, traffic.remote)];
}

const inAny = (sets: readonly { readonly cidrs: readonly Cidr[] }[], remote: Address): boolean =>
  sets.some(({ cidrs }) => cidrs.some((cidr) => cidrContains(cidr, remote)));

/** The Service that this traffic is for, which stands for its backends where a rule's peer is a group (S-9a). */
function serviceOf({ protocol, port, remote }: Traffic, sets: readonly AddressSet[]) {
  return sets
    .filter((set) => set.kind === "service")
    .filter(({ addresses }) => addresses.includes(remote))
    .flatMap(({ groups, ports }) => ports.map((own) => ({ groups, ...own })))
    .find((own) => own.protocol === protocol && own.port === port);
}

function groupMisfits(group: GroupKey, remote: Address, sets: readonly AddressSet[]): readonly Misfit[] {
  const members = sets.filter((set) => set.kind === "members").filter(({ groups }) => groups.includes(group));
  if (members.length === 0) return misfit(otherPeer, `group ${group} has no member, or does not exist`);
  return inAny(members, remote) ? [] : misfit(otherPeer, `${remote} is no member of group ${group}`);
}

/** What of a packet a rule does not match; empty if the rule matches. */
export function ruleMisfits(
  { direction, service, peer }: Rule,
  traffic: Traffic,
  sets: readonly AddressSet[],
): readonly Misfit[] {
  const target = direction === "egress" ? serviceOf(traffic, sets) : undefined;
  if (target === undefined || !("group" in peer))
    return [...serviceMisfits(service, traffic), ...peerMisfits(peer, traffic.remote, sets)];
  const stands = target.groups.includes(peer.group);
  return [
    ...serviceMisfits(service, { ...traffic, port: target.targetPort }),
    ...(stands ? [] : misfit(otherPeer, `not every backend of ${traffic.remote} is in group ${peer.group}`)),
  ];
}

function peerMisfits(peer: Peer, remote: Address, sets: readonly AddressSet[]): readonly Misfit[] {
  if ("cidr" in peer) return cidrMisfits(peer.cidr, remote);
  if ("group" in peer) return groupMisfits(peer.group, remote, sets);
  const lists = sets.filter((set) => set.kind === "prefixList").filter((set) => set.prefixList === peer.prefixList);
  if (lists.length === 0) return misfit(otherPeer, `prefix list ${peer.prefixList} has no entry, or does not exist`);
  return inAny(lists, remote) ? [] : misfit(otherPeer, `${remote} is not in prefix list ${peer.prefixList}`);
}

function portsText({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === to ? String(from) : `${from}-${to}`;
}

/** A service as rules write it: `tcp 80`, `udp 8000-8999`, `icmp type 8`, `all`. */
export function describeService({ protocol, ports, icmp }: Service): string {
  const parts = [protocolName(protocol)];
  if (ports !== undefined) parts.push(portsText(ports));
  if (icmp !== undefined && icmp.type !== -1) parts.push(`type ${icmp.type}`);
  if (icmp !== undefined && icmp.code !== -1) parts.push(`code ${icmp.code}`);
  return parts.join(" ");
}

/** A peer as rules write it. */
export function describePeer(peer: Peer): string {
  if ("cidr" in peer) return peer.cidr;
  return "group" in peer ? `group ${peer.group}` : `prefix list ${peer.prefixList}`;
}
