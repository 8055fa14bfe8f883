import type { Cidr, Direction, GroupKey, Peer, RuleSet, Service } from "../policy.ts";
import type { PrefixSet } from "./prefixes.ts";
import type { Services, ServiceTarget } from "./services.ts";
import { opposite, type PacketView } from "./view.ts";

/** What address sets mean now; a set that does not exist holds nothing (S-12). */
export interface PeerSets {
  group(key: GroupKey): PrefixSet;
  prefixList(name: string): PrefixSet;
  /** The pods of a namespace (S-83). */
  namespace(name: string): PrefixSet;
  cidr(cidr: Cidr): PrefixSet;
  readonly services: Services;
}

/** The port that rules of a direction are about: the pod's for what enters, the remote's for what leaves. */
export function servicePort(view: PacketView, direction: Direction): number {
  return direction === "ingress" ? view.localPort : view.remotePort;
}

/**
 * Whether a packet is of a rule's service, if that is asked for at this port (S-6, S-7). A rule for ICMP is about the
 * ICMP of its own family: message numbers of the other one mean something else.
 */
export function matchesService({ protocol, ports, icmp }: Service, view: PacketView, port: number): boolean {
  if (protocol === -1) return true;
  if (protocol !== view.protocol) return false;
  const { transport } = view;
  switch (transport.kind) {
    case "tcp":
    case "udp":
      return ports !== undefined && ports.from <= port && port <= ports.to;
    case "icmp":
      return (
        icmp === undefined ||
        icmp.type === -1 ||
        (icmp.type === transport.type && (icmp.code === -1 || icmp.code === transport.code))
      );
    case "other":
      return protocol !== 1 && protocol !== 58;
    case "fragment":
      return false;
  }
}

function peerSet(peer: Peer, sets: PeerSets): PrefixSet {
  if ("cidr" in peer) return sets.cidr(peer.cidr);
  return "group" in peer ? sets.group(peer.group) : sets.prefixList(peer.prefixList);
}

interface Matcher {
  readonly index: number;
  readonly service: Service;
  readonly peer: Peer;
  readonly addresses: PrefixSet;
}

/** A rule set with its peers looked up. */
export class Rules {
  readonly #matchers: Readonly<Record<Direction, readonly Matcher[]>>;
  readonly #services: Services;

  constructor({ rules }: RuleSet, sets: PeerSets) {
    const inDirection = (direction: Direction): Matcher[] =>
      rules
        .map((rule, index) => ({ ...rule, index, addresses: peerSet(rule.peer, sets) }))
        .filter((rule) => rule.direction === direction);
    this.#matchers = { ingress: inDirection("ingress"), egress: inDirection("egress") };
    this.#services = sets.services;
  }

  /** Index in `RuleSet.rules` of the first rule that permits the packet; undefined: none does (S-1). */
  permit(view: PacketView): number | undefined {
    return this.#match(view, view.direction);
  }

  /** Whether a rule permits the opposite direction between the same addresses and ports (S-40). */
  permitsOpposite(view: PacketView): boolean {
    return this.#match(view, opposite(view.direction)) !== undefined;
  }

  #match(view: PacketView, direction: Direction): number | undefined {
    const port = servicePort(view, direction);
    // S-9a is about packets to a Service: what comes from its address has been translated, or is forged.
    const target = direction === "egress" ? this.#services.behind(view) : undefined;
    return this.#matchers[direction].find(
      ({ service, peer, addresses }) =>
        (matchesService(service, view, port) && addresses.has(view.remote)) ||
        (target !== undefined && isMemberOf(target, peer) && matchesService(service, view, target.port)),
    )?.index;
  }
}

/** S-9a: CIDRs and prefix lists see a Service's address itself. */
function isMemberOf({ groups }: ServiceTarget, peer: Peer): boolean {
  return "group" in peer && groups.has(peer.group);
}
