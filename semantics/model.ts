import { ticksOf } from "./model/clock.ts";
import type { Room } from "./model/connections.ts";
import { Endpoint } from "./model/endpoint.ts";
import { judge } from "./model/judgement.ts";
import { type CompiledNode, compileNode } from "./model/node.ts";
import { AddressReader } from "./model/prefixes.ts";
import { viewOf } from "./model/view.ts";
import type { ConnectionRow, EndpointMetrics, Judged } from "./observation.ts";
import type { Packet } from "./packet.ts";
import type { Address, CompiledState, Direction, EndpointFacts, NodeFacts } from "./policy.ts";

/** What the model needs to know before the first packet. */
export interface ModelSettings {
  /** Entries of the node's connection table (S-72). */
  readonly tableSize: number;
}

/** The contract as a program: one node's endpoints, and what becomes of each packet at them. It has its own clock. */
export interface Model {
  /** Makes the model hold exactly this. Endpoints that are no longer named are gone, with their entries and counters. */
  program(state: CompiledState, node: NodeFacts, endpoints: readonly EndpointFacts[]): void;
  /** Judges a packet that enters or leaves an endpoint. One that nobody programmed drops everything. */
  judge(uid: string, direction: Direction, packet: Packet): Judged;
  /** Moves the clock by whole or quarter seconds. */
  pass(seconds: number): void;
  /** Removes all entries whose time is up, which else leave when a packet of theirs meets them (S-71). */
  sweep(): void;
  /** Moves the clock, then sweeps. */
  advance(seconds: number): void;
  /** The live entries, but for those that only the node's packets made. Throws for an unknown uid. */
  connections(uid: string): readonly ConnectionRow[];
  /** Throws for an unknown uid. */
  metrics(uid: string): EndpointMetrics;
}

/** A model without endpoints, its clock at zero. */
export function createModel({ tableSize }: ModelSettings): Model {
  return new NodeModel({ size: tableSize, used: 0 });
}

class NodeModel implements Model {
  readonly #room: Room;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #addresses = new AddressReader();
  readonly #read = (address: Address) => this.#addresses.read(address);
  #node: CompiledNode | undefined;
  /** Ticks. */
  #now = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  program(state: CompiledState, node: NodeFacts, endpoints: readonly EndpointFacts[]): void {
    const compiled = compileNode(state, node);
    this.#node = compiled;
    const named = new Set(endpoints.map(({ uid }) => uid));
    for (const [uid, endpoint] of this.#endpoints) {
      if (named.has(uid)) continue;
      endpoint.remove();
      this.#endpoints.delete(uid);
    }
    for (const facts of endpoints) {
      const endpoint = this.#endpoints.get(facts.uid) ?? new Endpoint(facts, this.#room);
      this.#endpoints.set(facts.uid, endpoint);
      endpoint.program(facts, compiled.filterOf(facts.uid), this.#now);
    }
  }

  judge(uid: string, direction: Direction, packet: Packet): Judged {
    const endpoint = this.#endpoints.get(uid);
    if (endpoint === undefined || this.#node === undefined)
      return { pass: false, reason: "not-programmed", tracking: "none" };
    const view = viewOf(packet, direction, this.#read);
    return judge({ view, endpoint, node: this.#node, read: this.#read, now: this.#now });
  }

  pass(seconds: number): void {
    this.#now += ticksOf(seconds);
  }

  sweep(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.sweep(this.#now);
  }

  advance(seconds: number): void {
    this.pass(seconds);
    this.sweep();
  }

  connections(uid: string): readonly ConnectionRow[] {
    return this.#endpoint(uid).connections.rows(this.#now);
  }

  metrics(uid: string): EndpointMetrics {
    const { connections, counts, filter } = this.#endpoint(uid);
    return counts.metrics(connections.used, filter.allowances?.conntrackMax ?? 0);
  }

  #endpoint(uid: string): Endpoint {
    const endpoint = this.#endpoints.get(uid);
    if (endpoint === undefined) throw new RangeError(`no endpoint with the pod uid ${uid}; program it first`);
    return endpoint;
  }
}
