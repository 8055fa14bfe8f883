import type { Address, EndpointFacts, Timeouts } from "../policy.ts";
import { Adoption } from "./adoption.ts";
import { PacketCounts, Rates } from "./allowances.ts";
import { type Connection, ConnectionTable, type Room } from "./connections.ts";
import { FirstFragments } from "./fragments.ts";
import type { Filter } from "./node.ts";

/** Until a policy tells them; nothing has an entry before. */
const noTimeouts: Timeouts = { tcpEstablished: 0, udpStream: 0, udp: 0 };

/** One pod's interface: what filters it, and everything that it accumulates. Times are ticks. */
export class Endpoint {
  readonly connections: ConnectionTable;
  /** Flows that the node began (S-20): a table of its own, which counts against nobody and is never full. */
  readonly exemptions: ConnectionTable = new ConnectionTable({ size: Number.POSITIVE_INFINITY, used: 0 }, noTimeouts);
  readonly fragments: FirstFragments = new FirstFragments();
  readonly rates: Rates = new Rates();
  readonly counts: PacketCounts = new PacketCounts();
  readonly adoption: Adoption;
  #addresses: ReadonlySet<Address> = new Set();
  #filter: Filter = {};

  /** `room` is the node's table. */
  constructor({ adopt }: EndpointFacts, room: Room) {
    this.connections = new ConnectionTable(room, noTimeouts);
    this.adoption = new Adoption(adopt);
  }

  get filter(): Filter {
    return this.#filter;
  }

  owns(address: Address): boolean {
    return this.#addresses.has(address);
  }

  /**
   * Makes `filter` and the addresses hold from now on. Entries outlive every change of rules; the loss of the last
   * group takes all, of an address its own (S-54). Being closed loses no group.
   */
  program({ addresses }: EndpointFacts, filter: Filter, now: number): void {
    const before = this.#addresses;
    this.#addresses = new Set(addresses);
    this.#filter = filter;
    this.rates.set(filter.allowances, now);
    this.adoption.program(filter, now);
    const lostGroup = filter.group === undefined && filter.closed === undefined;
    const lostAddress = ({ flow }: Connection) => before.has(flow.local) && !this.owns(flow.local);
    this.connections.removeIf((entry) => lostGroup || lostAddress(entry));
    this.exemptions.removeIf(lostAddress);
    if (filter.allowances !== undefined) {
      this.connections.timeouts = filter.allowances.timeouts;
      this.exemptions.timeouts = filter.allowances.timeouts;
    }
  }

  sweep(now: number): void {
    this.connections.sweep(now);
    this.exemptions.sweep(now);
  }

  /** The endpoint is gone, and its entries with it (S-54). */
  remove(): void {
    this.connections.removeIf(() => true);
  }
}
