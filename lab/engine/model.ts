import type { EndpointStatus } from "../../datapath/agent/control.ts";
import { createModel, type Model } from "../../semantics/model.ts";
import type { ConnectionRow } from "../../semantics/observation.ts";
import type { CompiledState } from "../../semantics/policy.ts";
import { type Stage, type Turn, turnPacket, turnsOf } from "./conversation.ts";
import { metricsOf } from "./metrics.ts";
import { nodeMachine } from "./node.ts";
import type {
  Conversation,
  ConversationOutcome,
  Delivery,
  EndpointInput,
  Engine,
  EngineSettings,
  Machine,
  Metrics,
  Sighting,
  WirePacket,
} from "./ports.ts";

interface Passage {
  readonly arrived: boolean;
  readonly sightings: readonly Sighting[];
}

/** The contract's oracle, played between machines: a packet from pod to pod meets two endpoints. */
export class ModelEngine implements Engine {
  readonly name = "model";
  #model: Model | undefined;
  readonly #conversations = new Map<string, Conversation>();

  async begin(settings: EngineSettings): Promise<void> {
    this.#model = createModel({ tableSize: settings.tableSize });
    this.#conversations.clear();
  }

  async addMachine(): Promise<void> {}

  async removeMachine(machine: Machine): Promise<void> {
    for (const [name, conversation] of this.#conversations) {
      if (conversation.from.name === machine.name || conversation.to.name === machine.name)
        this.#conversations.delete(name);
    }
  }

  async program(state: CompiledState, endpoints: readonly EndpointInput[]): Promise<readonly EndpointStatus[]> {
    const facts = endpoints.flatMap(({ machine, adopt }) =>
      machine.uid === undefined ? [] : [{ uid: machine.uid, addresses: machine.addresses, adopt }],
    );
    this.#running().program(state, { nodeAddresses: nodeMachine.addresses }, facts);
    return state.node.endpoints.map(({ pod, closed }) =>
      closed === undefined
        ? { uid: pod.uid, state: "Programmed" }
        : { uid: pod.uid, state: "NotProgrammed", message: closed },
    );
  }

  async send(from: Machine, to: Machine, packets: readonly WirePacket[]): Promise<Delivery> {
    let delivered = 0;
    let sightings: readonly Sighting[] = [];
    for (const packet of packets) {
      const passage = this.#pass(from, to, packet);
      if (passage.arrived) delivered += 1;
      sightings = passage.sightings;
    }
    return { delivered, sightings };
  }

  async connect(conversation: Conversation): Promise<ConversationOutcome> {
    const outcome = this.#play(conversation, "connect");
    if (outcome.succeeded || conversation.protocol === 17) this.#conversations.set(conversation.name, conversation);
    return outcome;
  }

  async exchange(name: string): Promise<ConversationOutcome> {
    const conversation = this.#conversations.get(name);
    return conversation === undefined ? { succeeded: false, sightings: [] } : this.#play(conversation, "exchange");
  }

  async close(name: string, how: "fin" | "rst"): Promise<void> {
    const conversation = this.#conversations.get(name);
    if (conversation !== undefined) this.#play(conversation, how);
    this.#conversations.delete(name);
  }

  async advance(seconds: number): Promise<void> {
    this.#running().advance(seconds);
  }

  async connections(machine: Machine): Promise<readonly ConnectionRow[]> {
    return this.#running().connections(machine.uid ?? "");
  }

  async metrics(machine: Machine): Promise<Metrics> {
    return metricsOf(this.#running().metrics(machine.uid ?? ""));
  }

  /** What a restart must not change is all that the model holds. */
  async restartAgent(): Promise<void> {}

  async end(): Promise<void> {
    this.#model = undefined;
  }

  async stop(): Promise<void> {}

  #running(): Model {
    if (this.#model === undefined) throw new Error("the model engine has no scenario; call begin first");
    return this.#model;
  }

  /** One packet from machine to machine: the sender's egress, the node's forwarding, the receiver's ingress. */
  #pass(from: Machine, to: Machine, packet: WirePacket): Passage {
    const sightings: Sighting[] = [];
    const judge = (machine: Machine, direction: "ingress" | "egress", seen: WirePacket): boolean => {
      if (machine.uid === undefined) return true;
      const { pass, reason, tracking } = this.#running().judge(machine.uid, direction, seen);
      sightings.push({ uid: machine.uid, direction, verdict: { pass, reason, tracking } });
      return pass;
    };
    if (!judge(from, "egress", packet)) return { arrived: false, sightings };
    const forwarded = from.kind !== "node" && to.kind !== "node";
    const hopLimit = packet.hopLimit - (forwarded ? 1 : 0);
    if (hopLimit <= 0 && forwarded) return { arrived: false, sightings };
    return { arrived: judge(to, "ingress", { ...packet, hopLimit }), sightings };
  }

  /** Plays the packets of one stage until one is dropped. */
  #play(conversation: Conversation, stage: Stage): ConversationOutcome {
    let first: readonly Sighting[] = [];
    for (const [index, turn] of turnsOf(conversation, stage).entries()) {
      const { arrived, sightings } = this.#turn(conversation, turn);
      if (index === 0) first = sightings;
      if (!arrived) return { succeeded: false, sightings };
    }
    return { succeeded: true, sightings: first };
  }

  #turn(conversation: Conversation, turn: Turn): Passage {
    const [sender, receiver] =
      turn.sender === "client" ? [conversation.from, conversation.to] : [conversation.to, conversation.from];
    return this.#pass(sender, receiver, turnPacket(conversation, turn));
  }
}
