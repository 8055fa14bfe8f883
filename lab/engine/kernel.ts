import type { AgentControl, EndpointStatus } from "../../datapath/agent/control.ts";
import { BpfError } from "../../datapath/loader/error.ts";
import type { ConnectionRow, EndpointMetrics } from "../../semantics/observation.ts";
import type { CompiledState } from "../../semantics/policy.ts";
import { AgentKeeper } from "./kernel/agent-keeper.ts";
import { checkAvailable } from "./kernel/availability.ts";
import { Conversations } from "./kernel/conversations.ts";
import { RawDelivery } from "./kernel/delivery.ts";
import { Network } from "./kernel/network.ts";
import { VerdictLog } from "./kernel/verdict-log.ts";
import { metricsOf } from "./metrics.ts";
import { nodeMachine } from "./node.ts";
import {
  type Conversation,
  type ConversationOutcome,
  type Delivery,
  type EndpointInput,
  type Engine,
  type EngineSettings,
  EngineUnavailable,
  type Machine,
  type Metrics,
  type WirePacket,
} from "./ports.ts";

/** How time goes: `standing` for scenarios, where it moves by `advance` only; `running` for a lab that is up. */
export interface KernelEngineOptions {
  readonly clock: "standing" | "running";
}

/** What was programmed last. */
interface Programme {
  readonly state: CompiledState;
  readonly endpoints: readonly EndpointInput[];
}

/** What costs time to make and is kept from one scenario to the next. */
interface Run {
  readonly network: Network;
  readonly agent: AgentKeeper;
  readonly delivery: RawDelivery;
  readonly conversations: Conversations;
}

/**
 * The kernel datapath between network namespaces, with an agent of its own. Nothing of a run has a name on the
 * machine: namespaces, pins and sockets are this process's descriptors, so that runs side by side share nothing and a
 * crash leaves nothing behind.
 */
export class KernelEngine implements Engine {
  readonly name = "kernel";
  readonly #clock: "standing" | "running";
  #run: Run | undefined;
  #programme: Programme | undefined;

  constructor({ clock }: KernelEngineOptions) {
    this.#clock = clock;
  }

  async begin({ tableSize }: EngineSettings): Promise<void> {
    const agent = this.#run?.agent;
    if (agent !== undefined && (agent.tableSize !== tableSize || !agent.alive)) await this.stop();
    this.#run ??= await this.#start(tableSize);
  }

  async addMachine(machine: Machine): Promise<void> {
    this.#running().network.add(machine);
  }

  async removeMachine(machine: Machine): Promise<void> {
    const { network, conversations } = this.#running();
    conversations.abandonThoseOf(machine);
    await network.remove(machine);
  }

  async program(state: CompiledState, endpoints: readonly EndpointInput[]): Promise<readonly EndpointStatus[]> {
    this.#programme = { state, endpoints };
    return this.#apply(this.#programme);
  }

  async send(from: Machine, to: Machine, packets: readonly WirePacket[]): Promise<Delivery> {
    return this.#running().delivery.send(from, to, packets);
  }

  async connect(conversation: Conversation): Promise<ConversationOutcome> {
    return this.#running().conversations.connect(conversation);
  }

  async exchange(name: string): Promise<ConversationOutcome> {
    return this.#running().conversations.exchange(name);
  }

  async close(name: string, how: "fin" | "rst"): Promise<void> {
    await this.#running().conversations.close(name, how);
  }

  async advance(seconds: number): Promise<void> {
    await this.#control().advance(seconds);
  }

  async connections(machine: Machine): Promise<readonly ConnectionRow[]> {
    return this.#control().connections(machine.uid ?? "");
  }

  async metrics(machine: Machine): Promise<Metrics> {
    return metricsOf(await this.endpointMetrics(machine));
  }

  /** All that a pod's endpoint counts. */
  async endpointMetrics(machine: Machine): Promise<EndpointMetrics> {
    return this.#control().metrics(machine.uid ?? "");
  }

  /** Path of a machine's network namespace, for as long as this process runs. */
  netns(machine: Machine): string {
    return this.#running().network.namespaceOf(machine).path;
  }

  /** Process id of the agent, while there is one. */
  get agentPid(): number | undefined {
    return this.#run?.agent.pid;
  }

  /** With another table size, as an upgrade to other maps. */
  async restartAgent(tableSize?: number): Promise<void> {
    await this.#running().agent.restart(tableSize);
    if (this.#programme !== undefined) await this.#apply(this.#programme);
  }

  /** What the agent still holds of the scenario goes when the next one is programmed. */
  async end(): Promise<void> {
    this.#programme = undefined;
    this.#run?.conversations.abandonAll();
    await this.#run?.network.clear();
  }

  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#programme = undefined;
    if (run === undefined) return;
    run.conversations.abandonAll();
    await run.agent.stop();
    await run.network.close();
  }

  #running(): Run {
    if (this.#run === undefined) throw new Error("the kernel engine has no scenario; call begin first");
    return this.#run;
  }

  #control(): AgentControl {
    return this.#running().agent.control;
  }

  async #start(tableSize: number): Promise<Run> {
    checkAvailable();
    const network = makeNetwork(this.#clock === "standing");
    try {
      const agent = await AgentKeeper.start(network.node, this.#clock, tableSize);
      const log = new VerdictLog(() => agent.control.verdicts());
      return {
        network,
        agent,
        delivery: new RawDelivery(network, log),
        conversations: new Conversations(network, log),
      };
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  #apply({ state, endpoints }: Programme): Promise<readonly EndpointStatus[]> {
    const { network, agent } = this.#running();
    const attachments = endpoints.flatMap(({ machine, adopt }) => {
      const { uid, addresses } = machine;
      return uid === undefined ? [] : [{ uid, addresses, adopt, ifindex: network.station(machine).nodeEnd.ifindex }];
    });
    return agent.control.program(state, { nodeAddresses: nodeMachine.addresses }, attachments);
  }
}

function makeNetwork(quiet: boolean): Network {
  try {
    return new Network(quiet);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    throw new EngineUnavailable(error.message, "run it where network namespaces can be made, as root", {
      cause: error,
    });
  }
}
