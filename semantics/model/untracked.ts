import type { Direction, Family, NodeConfig, PortRange, Rule, TrackedPort } from "../policy.ts";
import { anyPeerAllPorts, anyPeerPorts } from "../tracking.ts";
import { type KnownAddress, PrefixSet } from "./prefixes.ts";
import { opposite, type PacketView } from "./view.ts";

/** Remotes whose flows are tracked whatever the rules say (S-60). */
export class TrackedRemotes {
  readonly #listed: PrefixSet;
  readonly #cluster: PrefixSet;
  readonly #outside: boolean;

  constructor({ cidrs, outsideCluster, clusterCidrs }: NodeConfig["tracking"]) {
    this.#listed = new PrefixSet(cidrs);
    this.#cluster = new PrefixSet(clusterCidrs);
    this.#outside = outsideCluster;
  }

  has(remote: KnownAddress): boolean {
    return this.#listed.has(remote) || (this.#outside && !this.#cluster.has(remote));
  }
}

/** What a packet tells of who began its flow. */
export type Orientation = "known" | "unknown";

/** Local or remote ports of untracked flows that begin in a direction, by family and protocol. */
type PortsOf = Readonly<Record<Family, Readonly<Record<"tcp" | "udp", readonly PortRange[]>>>>;

/**
 * S-50 (a) and (b): the ports of flows that begin in `direction`, by any-peer rules of it, if a rule of the other
 * direction permits every port to any peer. Families are independent (S-51).
 */
function untrackedPorts(rules: readonly Rule[], direction: Direction): PortsOf {
  const ports = (protocol: 6 | 17, family: Family): readonly PortRange[] =>
    anyPeerAllPorts(rules, opposite(direction), protocol, family)
      ? anyPeerPorts(rules, direction, protocol, family)
      : [];
  const ofFamily = (family: Family) => ({ tcp: ports(6, family), udp: ports(17, family) });
  return { 4: ofFamily(4), 6: ofFamily(6) };
}

/** Which packets are of untracked flows, from their ports alone (S-58). */
export class UntrackedFlows {
  readonly #in: PortsOf;
  readonly #out: PortsOf;
  readonly #trackedPorts: ReadonlySet<string>;
  readonly #trackedRemotes: TrackedRemotes;

  constructor(rules: readonly Rule[], trackedPorts: readonly TrackedPort[], trackedRemotes: TrackedRemotes) {
    this.#in = untrackedPorts(rules, "ingress");
    this.#out = untrackedPorts(rules, "egress");
    this.#trackedPorts = new Set(trackedPorts.map(({ protocol, port }) => `${protocol}/${port}`));
    this.#trackedRemotes = trackedRemotes;
  }

  /**
   * S-56. A plain SYN alone shows who begins, so its orientation is known; every other packet is of an untracked
   * flow if either orientation is. Only TCP and UDP are ever untracked (S-33).
   */
  includes(view: PacketView, orientation: Orientation): boolean {
    const { transport, direction } = view;
    if (transport.kind !== "tcp" && transport.kind !== "udp") return false;
    const asIngress = orientation === "unknown" || direction === "ingress";
    const asEgress = orientation === "unknown" || direction === "egress";
    const untracked =
      (asIngress && this.#holds(this.#in, view, transport.kind, view.localPort)) ||
      (asEgress && this.#holds(this.#out, view, transport.kind, view.remotePort));
    return untracked && !this.#isTrackedByPath(view);
  }

  #holds(ports: PortsOf, { family }: PacketView, kind: "tcp" | "udp", port: number): boolean {
    return ports[family][kind].some(({ from, to }) => from <= port && port <= to);
  }

  /** S-50 (c), S-60. */
  #isTrackedByPath({ protocol, localPort, remote }: PacketView): boolean {
    return this.#trackedPorts.has(`${protocol}/${localPort}`) || this.#trackedRemotes.has(remote);
  }
}
