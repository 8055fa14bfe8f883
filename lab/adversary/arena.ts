import { setTimeout as sleep } from "node:timers/promises";
import type { EndpointStatus, VerdictRecord } from "../../datapath/agent/control.ts";
import { BpfError } from "../../datapath/loader/error.ts";
import type { ConnectionRow, EndpointMetrics } from "../../semantics/observation.ts";
import type { Direction, Family } from "../../semantics/policy.ts";
import type { Reason } from "../../semantics/verdict.ts";
import { AgentKeeper } from "../engine/kernel/agent-keeper.ts";
import { checkAvailable } from "../engine/kernel/availability.ts";
import { Conversations } from "../engine/kernel/conversations.ts";
import { RawDelivery } from "../engine/kernel/delivery.ts";
import { Network } from "../engine/kernel/network.ts";
import { waitFor } from "../engine/kernel/patience.ts";
import { progressOf } from "../engine/kernel/sightings.ts";
import type { Station } from "../engine/kernel/station.ts";
import { Tap } from "../engine/kernel/tap.ts";
import { VerdictLog } from "../engine/kernel/verdict-log.ts";
import { nodeMachine } from "../engine/node.ts";
import { firstAddress } from "../engine/packets.ts";
import type { Conversation, Delivery, Machine, WirePacket } from "../engine/ports.ts";
import { attacker, outside, type Pod, type PodPolicy, stateOf, usual, victim } from "./cast.ts";
import { type Ends, ethernet, type Route } from "./frame.ts";

/** Milliseconds that frames may be on their way. */
const patience = 500;
/** Entries of the node's connection table. */
const tableSize = 8192;
/** Frames whose verdicts the ring holds. */
const batch = 512;

/** What a programme has beside its policies. */
export interface ProgramOptions {
  /** S-40a: the pods ran unfiltered before. */
  readonly adopt?: boolean;
  readonly antiSpoofing?: "Filtered" | "All";
}

/**
 * The kernel datapath with its agent, and machines on the node whose frames are made byte by byte. The clock stands,
 * and no stack says anything that it was not asked to;
 * nothing has a name that a crash could leave behind.
 */
export class Arena {
  readonly network: Network;
  readonly agent: AgentKeeper;
  readonly #log: VerdictLog;
  readonly #delivery: RawDelivery;
  readonly #conversations: Conversations;
  readonly #nodeTaps = new Map<Station, Tap>();
  #policies: readonly PodPolicy[] = [];

  private constructor(network: Network, agent: AgentKeeper) {
    this.network = network;
    this.agent = agent;
    this.#log = new VerdictLog(() => agent.control.verdicts());
    this.#delivery = new RawDelivery(network, this.#log);
    this.#conversations = new Conversations(network, this.#log);
  }

  static async open(): Promise<Arena> {
    checkAvailable();
    const network = new Network(true);
    try {
      return new Arena(network, await AgentKeeper.start(network.node, "standing", tableSize));
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  /** Puts the attacker, the victim and the outside there anew, under these policies. */
  async reset(policies: readonly PodPolicy[] = usual): Promise<void> {
    this.#conversations.abandonAll();
    await this.#closeTaps();
    await this.network.clear();
    for (const machine of [attacker, victim, outside]) this.network.add(machine);
    await this.program(policies);
  }

  async program(
    policies: readonly PodPolicy[],
    { adopt = false, antiSpoofing = "Filtered" }: ProgramOptions = {},
  ): Promise<readonly EndpointStatus[]> {
    this.#policies = policies;
    return this.agent.control.program(
      stateOf(policies, antiSpoofing),
      { nodeAddresses: nodeMachine.addresses },
      policies.map(({ pod }) => ({
        uid: pod.uid,
        addresses: pod.addresses,
        adopt,
        ifindex: this.station(pod).nodeEnd.ifindex,
      })),
    );
  }

  /** Kills the agent, and starts one that finds what is pinned. */
  async restartAgent(): Promise<void> {
    await this.agent.restart();
    await this.program(this.#policies);
  }

  station(machine: Machine): Station {
    return this.network.station(machine);
  }

  /** From one machine's own address to another's. */
  route(from: Machine, to: Machine, family: Family = 4): Route {
    return { source: firstAddress(from, family), destination: firstAddress(to, family) };
  }

  /** Hardware addresses of what a machine sends to the node. */
  ends(machine: Machine): Ends {
    const { end, nodeEnd } = this.station(machine);
    return { source: end.hardware, destination: nodeEnd.hardware };
  }

  /** Sends packets out of a machine; returns what the endpoints on their way said of them. */
  fire(from: Machine, to: Machine, packets: readonly Uint8Array[]): Promise<readonly VerdictRecord[]> {
    const ends = this.ends(from);
    return this.fireFrames(
      from,
      to,
      packets.map((packet) => ethernet(ends, packet)),
    );
  }

  fireFrames(from: Machine, to: Machine, frames: readonly Uint8Array[]): Promise<readonly VerdictRecord[]> {
    const { tap } = this.station(from);
    return this.#judged(from, to, frames, (frame) => tap.send(frame));
  }

  /** Sends frames of any shape at a pod from the node's end of its link, which no router has looked at. */
  fireInto(pod: Pod, frames: readonly Uint8Array[]): Promise<readonly VerdictRecord[]> {
    const tap = this.#nodeTap(this.station(pod));
    return this.#judged(nodeMachine, pod, frames, (frame) => sendRegardless(tap, frame));
  }

  /** The packets that reached a machine since the last call, whatever they are. */
  arrived(machine: Machine): Uint8Array[] {
    return this.station(machine).tap.read();
  }

  send(from: Machine, to: Machine, packets: readonly WirePacket[]): Promise<Delivery> {
    return this.#delivery.send(from, to, packets);
  }

  async connect(conversation: Conversation): Promise<boolean> {
    return (await this.#conversations.connect(conversation)).succeeded;
  }

  async exchange(name: string): Promise<boolean> {
    return (await this.#conversations.exchange(name)).succeeded;
  }

  advance(seconds: number): Promise<void> {
    return this.agent.control.advance(seconds);
  }

  connections(pod: Pod): Promise<readonly ConnectionRow[]> {
    return this.agent.control.connections(pod.uid);
  }

  /** `protocol port state` of each of a pod's connections. */
  async states(pod: Pod): Promise<string[]> {
    return (await this.connections(pod)).map(({ protocol, port, state }) => `${protocol} ${port} ${state}`).sort();
  }

  metrics(pod: Pod): Promise<EndpointMetrics> {
    return this.agent.control.metrics(pod.uid);
  }

  async close(): Promise<void> {
    this.#conversations.abandonAll();
    await this.agent.stop();
    await this.#closeTaps();
    await this.network.close();
  }

  async #judged(
    from: Machine,
    to: Machine,
    frames: readonly Uint8Array[],
    send: (frame: Uint8Array) => void,
  ): Promise<readonly VerdictRecord[]> {
    const all: VerdictRecord[] = [];
    for (let start = 0; start < frames.length; start += batch) {
      const some = frames.slice(start, start + batch);
      await this.#log.begin();
      for (const frame of some) send(frame);
      const done = await waitFor(async () => {
        const progress = progressOf(await this.#log.update(), { from, to }, some.length);
        return progress?.judged ?? true;
      }, patience);
      if (!done) await sleep(1);
      all.push(...this.#log.records);
    }
    return all;
  }

  #nodeTap(station: Station): Tap {
    const open = this.#nodeTaps.get(station) ?? Tap.everything(this.network.node, station.nodeEnd.ifindex);
    this.#nodeTaps.set(station, open);
    return open;
  }

  async #closeTaps(): Promise<void> {
    const taps = [...this.#nodeTaps.values()];
    this.#nodeTaps.clear();
    await Promise.all(taps.map((tap) => tap.close()));
  }
}

/** A sender at the node's end is told that its frame was dropped; that is no error here. */
function sendRegardless(tap: Tap, frame: Uint8Array): void {
  try {
    tap.send(frame);
  } catch (error) {
    if (!(error instanceof BpfError && error.code === "ENOBUFS")) throw error;
  }
}

/** Reasons that a pod gave in one direction, in order. */
export const reasons = (records: readonly VerdictRecord[], pod: Pod, direction: Direction): Reason[] =>
  records.filter((record) => record.uid === pod.uid && record.direction === direction).map(({ reason }) => reason);
