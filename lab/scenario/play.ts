import { tcpFlags } from "../../semantics/packet.ts";
import { turnPacket } from "../engine/conversation.ts";
import { floodOf, packetOf, resolveRoute } from "../engine/packets.ts";
import type { Conversation, ConversationOutcome, Engine, Machine, Sighting, WirePacket } from "../engine/ports.ts";
import { decisiveSighting, type Outcome } from "./check.ts";
import type { Happening } from "./happening.ts";
import type { Action, Scenario, Step } from "./scenario.ts";
import type { World } from "./world.ts";

/** First source port of connections that name none; the same in every engine, so that their tables agree. */
const firstConnectionPort = 50_000;

/** Plays the steps of one scenario, in order, on one engine. */
export class Play {
  readonly #engine: Engine;
  readonly #world: World;
  readonly #conversations = new Map<string, Conversation>();
  #nextPort = firstConnectionPort;

  constructor(engine: Engine, world: World) {
    this.#engine = engine;
    this.#world = world;
  }

  /** Brings up machines and resources, before the first step. */
  async setUp(scenario: Scenario): Promise<void> {
    await this.#engine.begin({ tableSize: scenario.config.tableSize });
    for (const host of scenario.hosts) await this.#engine.addMachine(this.#world.addHost(host));
    await this.#world.apply(scenario.resources);
    for (const pod of scenario.pods) await this.#engine.addMachine(await this.#world.addPod(pod));
    await this.#program();
  }

  async step(step: Step): Promise<Happening> {
    const { action } = step;
    switch (action.kind) {
      case "apply":
        await this.#world.apply(action.manifests);
        return this.#programmed();
      case "delete":
        await this.#world.delete(action.target);
        return this.#programmed();
      case "pod":
        await this.#engine.addMachine(await this.#world.addPod(action.pod));
        return this.#programmed();
      case "removePod": {
        const machine = await this.#world.removePod(action.pod);
        await this.#program();
        await this.#engine.removeMachine(machine);
        return { kind: "none" };
      }
      case "packet": {
        const packet = packetOf(action.packet, this.#world.find);
        const packets = Array.from({ length: action.packet.count }, () => packet);
        return this.#send(action.packet, packets, action.packet.count > 1, action.expect?.at);
      }
      case "flood":
        return this.#send(action.flood, floodOf(action.flood, this.#world.find), true, action.expect?.at);
      case "connect":
        return this.#connect(action);
      case "exchange":
        return this.#exchange(action);
      case "close":
        if (this.#conversations.delete(action.close.name))
          await this.#engine.close(action.close.name, action.close.how);
        return { kind: "none" };
      case "advance":
        await this.#engine.advance(action.seconds);
        return { kind: "none" };
      case "restartAgent":
        await this.#engine.restartAgent();
        return this.#programmed();
      case "expect":
        return this.#look(this.#world.find(action.expect.pod));
    }
  }

  /** What the pods that run look like at the end, for the comparison of engines. */
  async lookAtAll(): Promise<readonly (Happening & { kind: "pod" })[]> {
    const all: (Happening & { kind: "pod" })[] = [];
    for (const pod of this.#world.pods()) all.push(await this.#look(pod));
    return all;
  }

  async #program(): Promise<void> {
    const statuses = await this.#engine.program(await this.#world.compile(), this.#world.endpoints());
    await this.#world.report(statuses);
  }

  async #programmed(): Promise<Happening> {
    await this.#program();
    return { kind: "none" };
  }

  #outcome(
    word: Outcome["word"],
    result: boolean | number,
    sightings: readonly Sighting[],
    at: string | undefined,
  ): Outcome {
    const sighting = decisiveSighting(sightings, at === undefined ? undefined : this.#world.find(at).uid);
    return { word, result, sighting, verdict: sighting?.verdict };
  }

  async #send(
    ends: { from: string; to: string },
    packets: readonly WirePacket[],
    many: boolean,
    at: string | undefined,
  ): Promise<Happening> {
    const { delivered, sightings } = await this.#engine.send(
      this.#world.find(ends.from),
      this.#world.find(ends.to),
      packets,
    );
    const outcome = this.#outcome("delivered", many ? delivered : delivered > 0, sightings, at);
    return { kind: "outcome", outcome, packet: packets.at(-1) };
  }

  async #connect({ connect, expect }: Action & { kind: "connect" }): Promise<Happening> {
    const from = this.#world.find(connect.from);
    const to = this.#world.find(connect.to);
    const { source, destination } = resolveRoute(connect, from, to);
    const conversation: Conversation = {
      name: connect.name,
      from,
      to,
      protocol: connect.protocol === 6 ? 6 : 17,
      source,
      sourcePort: connect.sourcePort ?? this.#nextPort++,
      destination,
      port: connect.port,
    };
    const outcome = await this.#engine.connect(conversation);
    // A request that was lost leaves a UDP socket as it was; a TCP socket is gone.
    if (outcome.succeeded || conversation.protocol === 17) this.#conversations.set(connect.name, conversation);
    return this.#conversed(conversation, "connected", outcome, expect?.at);
  }

  async #exchange({ exchange, expect }: Action & { kind: "exchange" }): Promise<Happening> {
    const conversation = this.#conversations.get(exchange.name);
    if (conversation === undefined)
      return { kind: "outcome", outcome: this.#outcome("delivered", false, [], undefined), packet: undefined };
    return this.#conversed(conversation, "delivered", await this.#engine.exchange(exchange.name), expect?.at);
  }

  #conversed(
    conversation: Conversation,
    word: Outcome["word"],
    { succeeded, sightings }: ConversationOutcome,
    at: string | undefined,
  ): Happening {
    const outcome = this.#outcome(word, succeeded, sightings, at);
    const packet = outcome.sighting && packetLike(conversation, outcome.sighting, word === "connected");
    return { kind: "outcome", outcome, packet };
  }

  async #look(machine: Machine): Promise<Happening & { kind: "pod" }> {
    const [metrics, rows] = await Promise.all([this.#engine.metrics(machine), this.#engine.connections(machine)]);
    return { kind: "pod", machine, metrics, rows };
  }
}

/** A packet of the conversation that an endpoint would see as it saw this one: the same way between the same ports. */
function packetLike(conversation: Conversation, { uid, direction }: Sighting, opening: boolean): WirePacket {
  const byClient = (uid === conversation.from.uid) === (direction === "egress");
  if (conversation.protocol === 17) return turnPacket(conversation, { sender: byClient ? "client" : "server" });
  const flags = byClient ? (opening ? tcpFlags.SYN : tcpFlags.ACK) : tcpFlags.ACK | (opening ? tcpFlags.SYN : 0);
  return turnPacket(conversation, { sender: byClient ? "client" : "server", flags });
}
