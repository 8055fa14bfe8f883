import type { Packet, Transport } from "../../semantics/packet.ts";
import { tcpFlags } from "../../semantics/packet.ts";
import type { Address, Family } from "../../semantics/policy.ts";
import type { FloodAction, PacketAction, QuotedPacket } from "../scenario/actions.ts";
import type { Machine, WirePacket } from "./ports.ts";

/** Source port where a step names none. */
const defaultSourcePort = 40_000;
/** Identifier of an echo where a step names none. */
const defaultEchoId = 1;
/** First source port or identifier of a flood. */
const floodBase = 20_000;

const ethernetHeader = 14;
const fragmentHeader = 8;
/** What an ICMP error quotes beyond the IP header. */
const quotedTransport = 8;

const ipHeader = (family: Family): number => (family === 4 ? 20 : 40);

/** IP version of an address in text. */
export function familyOf(address: Address): Family {
  return address.includes(":") ? 6 : 4;
}

/** A machine has no address that a step could use; the message names it. */
class NoAddress extends Error {
  override readonly name = "NoAddress";
}

/** The machine's first address of the family. */
export function firstAddress(machine: Machine, family: Family): Address {
  const found = machine.addresses.find((address) => familyOf(address) === family);
  if (found === undefined)
    throw new NoAddress(
      `${machine.name} has no IPv${family} address; give it one, or choose family: ${family === 4 ? 6 : 4}`,
    );
  return found;
}

interface RouteFields {
  readonly sourceAddress?: Address | undefined;
  readonly address?: Address | undefined;
  readonly family?: Family | undefined;
  readonly protocol?: number | undefined;
}

/** Family of a step: as it says, else that of its addresses or of icmpv6, else the first that both machines have. */
function chooseFamily(route: RouteFields, from: Machine, to: Machine): Family {
  if (route.family !== undefined) return route.family;
  const literal = route.sourceAddress ?? route.address;
  if (literal !== undefined) return familyOf(literal);
  if (route.protocol === 58) return 6;
  const has = (machine: Machine, family: Family): boolean =>
    machine.addresses.some((address) => familyOf(address) === family);
  return has(from, 4) && has(to, 4) ? 4 : has(from, 6) && has(to, 6) ? 6 : 4;
}

/** Source and destination of a step. */
export function resolveRoute(
  route: RouteFields,
  from: Machine,
  to: Machine,
): { family: Family; source: Address; destination: Address } {
  const family = chooseFamily(route, from, to);
  return {
    family,
    source: route.sourceAddress ?? firstAddress(from, family),
    destination: route.address ?? firstAddress(to, family),
  };
}

type HeaderFields = Omit<QuotedPacket, "from" | "to">;

function transportOf(fields: HeaderFields, family: Family, quoted: Packet | undefined): Transport {
  const sourcePort = fields.sourcePort ?? defaultSourcePort;
  const port = fields.port ?? 0;
  if (fields.protocol === 6) return { kind: "tcp", sourcePort, port, flags: fields.flags ?? tcpFlags.SYN };
  if (fields.protocol === 17) return { kind: "udp", sourcePort, port };
  if (fields.protocol !== (family === 4 ? 1 : 58)) return { kind: "other", protocol: fields.protocol };
  const type = fields.type ?? (family === 4 ? 8 : 128);
  const icmp = { kind: "icmp", type, code: fields.code ?? 0, id: fields.id ?? defaultEchoId } as const;
  return quoted === undefined ? icmp : { ...icmp, quoted };
}

function transportLength(transport: Transport, family: Family): number {
  switch (transport.kind) {
    case "tcp":
      return 20;
    case "udp":
      return 8;
    case "icmp":
      return 8 + (transport.quoted === undefined ? 0 : ipHeader(family) + quotedTransport);
    case "other":
    case "fragment":
      return 0;
  }
}

/** What real senders of such a packet write: 255 for neighbour discovery, 1 for MLD and IGMP (S-20). */
function usualHopLimit(transport: Transport, family: Family): number {
  if (transport.kind === "other" && transport.protocol === 2) return 1;
  if (transport.kind !== "icmp" || family !== 6) return 64;
  if (transport.type >= 133 && transport.type <= 137) return 255;
  return (transport.type >= 130 && transport.type <= 132) || transport.type === 143 ? 1 : 64;
}

function assemble(
  route: { family: Family; source: Address; destination: Address },
  transport: Transport,
  extras: {
    payload: number;
    hopLimit?: number | undefined;
    mtu?: number | undefined;
    fragment?: Packet["fragment"];
    fromNode: boolean;
  },
): WirePacket {
  const { family } = route;
  const fragment = extras.fragment === undefined ? 0 : family === 6 ? fragmentHeader : 0;
  return {
    ...route,
    transport,
    hopLimit: extras.hopLimit ?? usualHopLimit(transport, family),
    length: ethernetHeader + ipHeader(family) + fragment + transportLength(transport, family) + extras.payload,
    fromNode: extras.fromNode,
    payload: extras.payload,
    ...(extras.mtu === undefined ? {} : { mtu: extras.mtu }),
    ...(extras.fragment === undefined ? {} : { fragment: extras.fragment }),
  };
}

/** Finds a machine by the name that a step uses. */
export type MachineFinder = (name: string) => Machine;

function quotedPacket(quoting: QuotedPacket, find: MachineFinder): Packet {
  const from = find(quoting.from);
  const to = find(quoting.to);
  const route = resolveRoute(quoting, from, to);
  return assemble(route, transportOf(quoting, route.family, undefined), { payload: 0, fromNode: false });
}

/** The one packet that a `packet` step describes. */
export function packetOf(action: PacketAction, find: MachineFinder): WirePacket {
  const from = find(action.from);
  const route = resolveRoute(action, from, find(action.to));
  const quoted = action.quoting === undefined ? undefined : quotedPacket(action.quoting, find);
  const later = action.fragment !== undefined && action.fragment.offset > 0;
  const transport: Transport = later
    ? { kind: "fragment", protocol: action.protocol }
    : transportOf(action, route.family, quoted);
  return assemble(route, transport, {
    // A later fragment must hold something, or it would end where it begins.
    payload: action.payload ?? (action.fragment === undefined ? 0 : 8),
    hopLimit: action.hopLimit,
    mtu: action.mtu,
    fragment: action.fragment,
    fromNode: from.kind === "node",
  });
}

/** The first packets of so many new flows, from source ports or identifiers 20000, 20001, …. */
export function floodOf(action: FloodAction, find: MachineFinder): WirePacket[] {
  const from = find(action.from);
  const route = resolveRoute(action, from, find(action.to));
  return Array.from({ length: action.flows }, (_, index) => {
    const fields = { ...action, sourcePort: floodBase + index, id: floodBase + index };
    return assemble(route, transportOf(fields, route.family, undefined), {
      payload: 0,
      fromNode: from.kind === "node",
    });
  });
}
