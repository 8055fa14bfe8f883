import type { EndpointStatus } from "../../datapath/agent/control.ts";
import type { ConnectionRow } from "../../semantics/observation.ts";
import type { Packet } from "../../semantics/packet.ts";
import type { Address, CompiledState, Direction } from "../../semantics/policy.ts";
import type { Verdict } from "../../semantics/verdict.ts";
import type { MetricName } from "../scenario/expectation.ts";

export const engineNames = ["model", "kernel"] as const;
export type EngineName = (typeof engineNames)[number];

/** A pod, a host outside the cluster, or the node itself. */
export interface Machine {
  readonly kind: "pod" | "host" | "node";
  /** As steps say it; of a pod unique among the pods that run. */
  readonly name: string;
  /** Pods only: the endpoint's uid. */
  readonly uid?: string;
  readonly addresses: readonly Address[];
}

/** One packet with what a wire needs beside what the contract looks at. */
export interface WirePacket extends Packet {
  /** Bytes after the transport header. */
  readonly payload: number;
  /** Next-hop MTU of a "packet too big". */
  readonly mtu?: number;
}

/** What one endpoint said of one packet. */
export interface Sighting {
  readonly uid: string;
  readonly direction: Direction;
  readonly verdict: Verdict;
}

/** What became of packets that were sent. */
export interface Delivery {
  /** How many arrived, as seen at the receiver. */
  readonly delivered: number;
  /** The verdicts on the last packet, in the order in which it met the endpoints. */
  readonly sightings: readonly Sighting[];
}

/** A real connection, or what plays one. Ports and addresses are fixed, so that engines agree on them. */
export interface Conversation {
  readonly name: string;
  readonly from: Machine;
  readonly to: Machine;
  readonly protocol: 6 | 17;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly port: number;
}

/** What became of a connection's packets: the drop that ended it, else the packets that carried it. */
export interface ConversationOutcome {
  readonly succeeded: boolean;
  /** The verdicts on the packet that was dropped; where none was, on the first one. */
  readonly sightings: readonly Sighting[];
}

/** What an engine needs to know before the first machine. */
export interface EngineSettings {
  /** Entries of the node's connection table (S-72). */
  readonly tableSize: number;
}

export type Metrics = Readonly<Record<MetricName, number>>;

/** An endpoint as `program` wants it. */
export interface EndpointInput {
  readonly machine: Machine;
  /** S-40a: it ran unfiltered before. */
  readonly adopt: boolean;
}

/**
 * Something that enforces compiled policy between machines. One scenario at a time: `begin` … `end`; what costs
 * time to make (an agent, loaded programs) is kept from one to the next, until `stop`.
 */
export interface Engine {
  readonly name: EngineName;
  begin(settings: EngineSettings): Promise<void>;
  addMachine(machine: Machine): Promise<void>;
  removeMachine(machine: Machine): Promise<void>;
  /** Resolves once every endpoint is programmed or has a reason why not. */
  program(state: CompiledState, endpoints: readonly EndpointInput[]): Promise<readonly EndpointStatus[]>;
  /** Sends packets raw, in order; the stacks do not answer. */
  send(from: Machine, to: Machine, packets: readonly WirePacket[]): Promise<Delivery>;
  connect(conversation: Conversation): Promise<ConversationOutcome>;
  /** Request and reply over an open connection. */
  exchange(name: string): Promise<ConversationOutcome>;
  close(name: string, how: "fin" | "rst"): Promise<void>;
  /** Moves the datapath's clock by seconds, then sweeps. */
  advance(seconds: number): Promise<void>;
  connections(machine: Machine): Promise<readonly ConnectionRow[]>;
  metrics(machine: Machine): Promise<Metrics>;
  restartAgent(): Promise<void>;
  end(): Promise<void>;
  stop(): Promise<void>;
}

/** The engine cannot run on this machine: exit code 2, with what to do about it. */
export class EngineUnavailable extends Error {
  override readonly name = "EngineUnavailable";
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}
