import type { Address } from "../../../semantics/policy.ts";
import { nodeLinkLocal, nodeMachine } from "../node.ts";
import { familyOf, firstAddress } from "../packets.ts";
import type { Machine } from "../ports.ts";
import { runIp } from "./ip.ts";
import { NetworkNamespace } from "./namespace.ts";
import { NodeSender } from "./node-sender.ts";
import { stackParameters } from "./parameters.ts";
import { hush } from "./quiet.ts";
import { Tap } from "./tap.ts";

/** Every link's other end, unless the machine has its own idea. */
const stationLinkLocal = "fe80::2";
const device = "eth0";
/** The largest that a veth pair takes, so that steps may send packets of any size. */
const mtu = 65_535;
/** A lost segment is sent again no sooner; the engine sees a loss long before. */
const minimumRetransmission = "1s";
/** An address that was resolved stays so, in milliseconds: no probe comes between the packets of a step. */
const reachableTime = 86_400_000;

/** One end of a link. */
export interface LinkEnd {
  readonly ifindex: number;
  /** 6 bytes. */
  readonly hardware: Uint8Array;
}

const hardwareText = (hardware: Uint8Array): string =>
  [...hardware].map((byte) => byte.toString(16).padStart(2, "0")).join(":");

/** Locally administered: 02:00:00, the link's number, the end. */
const hardwareAddress = (number: number, end: number): Uint8Array =>
  Uint8Array.of(2, 0, (number >> 16) & 255, (number >> 8) & 255, number & 255, end);

function nodeCommands(name: string, peer: NetworkNamespace, ends: readonly Uint8Array[], addresses: readonly string[]) {
  const [nodeEnd, end] = ends.map(hardwareText);
  const peerOptions = `name ${device} netns ${peer.path} mtu ${mtu} address ${end}`;
  return [
    `link add name ${name} mtu ${mtu} address ${nodeEnd} type veth peer ${peerOptions}`,
    `link set ${name} up`,
    `addr add ${nodeLinkLocal}/64 dev ${name} nodad`,
    ...addresses.map((address) => `route replace ${address} dev ${name}`),
    // Known from the start: were they asked for, the question would be among a step's verdicts.
    ...[...addresses, stationLinkLocal].map(
      (address) => `neigh replace ${address} lladdr ${end} dev ${name} nud permanent`,
    ),
  ];
}

function stationCommands(addresses: readonly Address[]): string[] {
  const gateway = firstAddress(nodeMachine, 4);
  return [
    "link set lo up",
    `addr add ${stationLinkLocal}/64 dev ${device} nodad`,
    ...addresses.map((address) => `addr add ${address} dev ${device}${familyOf(address) === 6 ? " nodad" : ""}`),
    `link set ${device} up`,
    `route add ${gateway} dev ${device}`,
    `route add default via ${gateway} dev ${device} rto_min ${minimumRetransmission}`,
    `route add default via ${nodeLinkLocal} dev ${device} rto_min ${minimumRetransmission}`,
  ];
}

/** A pod or host: a namespace behind a veth pair, routed, with the node as its gateway. */
export class Station {
  readonly machine: Machine;
  readonly namespace = new NetworkNamespace();
  /** Name of the link's interface in the node. */
  readonly link: string;
  readonly nodeEnd: LinkEnd;
  readonly end: LinkEnd;
  /** At the machine's end: what it sends raw, and all that reaches it. */
  readonly tap: Tap;
  /** What the node itself sends over this link. */
  readonly nodeSender: NodeSender;
  #nodeTaps: readonly Tap[] = [];
  readonly #node: NetworkNamespace;

  /** `number` tells links apart; `quiet` keeps its stack from answering raw packets. */
  constructor(machine: Machine, node: NetworkNamespace, number: number, quiet: boolean) {
    this.machine = machine;
    this.#node = node;
    this.link = `m${number}`;
    try {
      const [nodeEnd, end] = [hardwareAddress(number, 1), hardwareAddress(number, 2)];
      this.namespace.configure(stackParameters);
      runIp(node, nodeCommands(this.link, this.namespace, [nodeEnd, end], machine.addresses));
      runIp(this.namespace, stationCommands(machine.addresses));
      this.namespace.configure({
        [`ipv4/neigh/${device}/base_reachable_time_ms`]: reachableTime,
        [`ipv6/neigh/${device}/base_reachable_time_ms`]: reachableTime,
      });
      if (quiet) hush(this.namespace);
      this.nodeEnd = { ifindex: node.interfaceIndex(this.link), hardware: nodeEnd };
      this.end = { ifindex: this.namespace.interfaceIndex(device), hardware: end };
      this.tap = Tap.everything(this.namespace, this.end.ifindex);
      this.nodeSender = new NodeSender(node, this.link);
    } catch (error) {
      this.namespace.close();
      throw error;
    }
  }

  /** At the node's end: the packets of the machine that the datapath let pass, by family. */
  nodeTaps(): readonly Tap[] {
    if (this.#nodeTaps.length === 0)
      this.#nodeTaps = ([4, 6] as const).map((family) => Tap.passed(this.#node, this.nodeEnd.ifindex, family));
    return this.#nodeTaps;
  }

  /** Hardware address of the machine's end, in text. */
  get endText(): string {
    return hardwareText(this.end.hardware);
  }

  /** Takes the link away at once; without it the kernel does so a little after the namespace is closed. */
  unlink(): void {
    runIp(this.#node, [`link del ${this.link}`]);
  }

  async close(): Promise<void> {
    this.nodeSender.close();
    await Promise.all([this.tap, ...this.#nodeTaps].map((tap) => tap.close()));
    this.namespace.close();
  }
}
