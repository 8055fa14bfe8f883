import type { Address, Cidr, Family } from "../policy.ts";
import { icmpMessage } from "./icmp.ts";
import { type KnownAddress, PrefixSet } from "./prefixes.ts";
import { isPlainSyn, type PacketView } from "./view.ts";

/** Who takes part in S-20 beside the pod: the node and the DNS servers, by their addresses. */
export interface ExemptParties {
  readonly node: ReadonlySet<Address>;
  readonly dns: ReadonlySet<Address>;
}

/** Of CIDRs written here, which are canonical. */
const prefixes = (...cidrs: readonly string[]) => new PrefixSet(cidrs as readonly Cidr[]);

const multicast = prefixes("224.0.0.0/4", "ff00::/8");
const broadcast = prefixes("255.255.255.255/32");
const linkLocalMulticast = prefixes("ff02::/16");
const linkLocalUnicast = prefixes("fe80::/10");
const linkLocalServices = prefixes("169.254.0.0/16", "fd00:ec2::/32");

const dhcpPorts: Readonly<Record<Family, { readonly client: number; readonly server: number }>> = {
  4: { client: 68, server: 67 },
  6: { client: 546, server: 547 },
};
const dnsPort = 53;

/** Whether the other side is the pod's node, by one of its addresses. */
export function isNode({ remote }: PacketView, { node }: ExemptParties): boolean {
  return node.has(remote.text);
}

/**
 * S-20: exempt wherever it comes from and whatever source it bears. ARP, the one exemption that is no IP, never
 * becomes a `Packet`.
 */
export function isAlwaysExempt(view: PacketView, parties: ExemptParties): boolean {
  return isNeighbourDiscovery(view) || isMulticastListener(view) || isIgmp(view) || isDhcp(view, parties);
}

/** ICMPv6 133–137. Hop limit 255 shows that no router forwarded it (RFC 4861, 6.1). */
function isNeighbourDiscovery({ family, transport, packet }: PacketView): boolean {
  return (
    family === 6 &&
    transport.kind === "icmp" &&
    transport.type >= 133 &&
    transport.type <= 137 &&
    packet.hopLimit === 255
  );
}

/** MLD: ICMPv6 130–132 and 143 to ff02::/16 with hop limit 1. */
function isMulticastListener(view: PacketView): boolean {
  const { family, transport, packet } = view;
  if (family !== 6 || transport.kind !== "icmp" || packet.hopLimit !== 1) return false;
  const listener = (transport.type >= 130 && transport.type <= 132) || transport.type === 143;
  return listener && linkLocalMulticast.has(destination(view));
}

/** As its senders write it: TTL 1, to multicast (RFC 2236, RFC 3376). Anything else of the protocol is filtered. */
function isIgmp(view: PacketView): boolean {
  const { family, protocol, packet } = view;
  return family === 4 && protocol === 2 && packet.hopLimit === 1 && multicast.has(destination(view));
}

/**
 * Between the pod's client port and a server port. The pod asks by broadcast or multicast, or asks the node; of
 * answers only the node's are exempt, since anybody could broadcast one.
 */
function isDhcp(view: PacketView, parties: ExemptParties): boolean {
  const { client, server } = dhcpPorts[view.family];
  if (view.transport.kind !== "udp" || view.localPort !== client || view.remotePort !== server) return false;
  const toMany = multicast.has(view.remote) || broadcast.has(view.remote);
  return (view.direction === "egress" && toMany) || isNode(view, parties);
}

/** fe80::/10 unicast between the pod and its node only: exempt whatever its source, under the link-local allowance. */
export function isLinkLocalOfNode(view: PacketView, parties: ExemptParties): boolean {
  return linkLocalUnicast.has(view.remote) && isNode(view, parties);
}

/** Link-local services, and the DNS servers on port 53: exempt from the pod's own addresses only. */
export function isService(view: PacketView, { dns }: ExemptParties): boolean {
  if (linkLocalServices.has(view.remote)) return true;
  const { kind } = view.transport;
  return (kind === "tcp" || kind === "udp") && view.remotePort === dnsPort && dns.has(view.remote.text);
}

/**
 * S-20, "node-originated": no ingress interface, a source that the node owns, and no IPv6 fragment, since the kernel
 * loses the ingress interface of those that it forwards.
 */
export function isNodeOriginated(view: PacketView, parties: ExemptParties): boolean {
  const { packet, direction, family } = view;
  const refragmented = family === 6 && packet.fragment !== undefined;
  return direction === "ingress" && packet.fromNode && isNode(view, parties) && !refragmented;
}

/** Whether a packet of the node begins an exempt flow, by which the replies pass: of TCP a plain SYN (S-20). */
export function beginsExemptFlow(view: PacketView): boolean {
  const { transport, family } = view;
  switch (transport.kind) {
    case "tcp":
      return isPlainSyn(view);
    case "icmp":
      return icmpMessage(family, transport.type, transport.code) === "echo-request";
    case "udp":
    case "other":
      return true;
    case "fragment":
      return false;
  }
}

function destination({ direction, local, remote }: PacketView): KnownAddress {
  return direction === "egress" ? remote : local;
}
