import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Bpf, BpfMap, BpfProgram, LoadedObject, LoadOptions } from "../loader/ports.ts";
import { constants, structs } from "./abi.generated.ts";
import { bucketsFor, seedTable } from "./apply/connection-table.ts";
import { EndpointArray } from "./apply/endpoints.ts";
import { RateArray } from "./apply/rates.ts";
import type { PolicyMaps } from "./apply/slots.ts";
import { sweep } from "./apply/sweep.ts";
import { makeStruct, StructView } from "./bytes.ts";
import { fragmentLifetime, runningClock, standingClock, type TickClock, ticksOf } from "./clock.ts";
import { layoutOf } from "./upgrade/layout.ts";

/** How the datapath is loaded. */
export interface DatapathOptions {
  readonly bpf: Bpf;
  /** Compiled object. */
  readonly object: string;
  /** Folder on a bpffs, for `maps` and `links`. */
  readonly pins: string;
  readonly clock: "running" | "standing";
  /** Entries of the node's connection table (S-72). */
  readonly tableSize: number;
  /** Slots of `endpoints`, a power of two. */
  readonly endpointSlots: number;
  /** Seconds without an agent after which the programs sweep by themselves, and between two looks. Default 10. */
  readonly unattendedAfter?: number;
  /** Let what is over a pod's egress bandwidth wait for fq to send it, in place of dropping it. Default false. */
  readonly queueEgress?: boolean;
}

/** Endpoints that a node can have at once: what of them is not in the array `endpoints` is made for so many. */
const mostEndpoints = 1024;

/** What would have to wait longer than so many seconds is dropped, also where packets may wait. */
const queueSeconds = 2;
const bucketShift = BigInt(constants.BUCKET_SHIFT);

/** Bytes of one read of the table's entries. */
const readSize = 64 * 1024;

/** The program that is loaded for each pod by itself. */
const intoPod = "into_pod";

function required<T>(things: ReadonlyMap<string, T>, name: string, object: string): T {
  const thing = things.get(name);
  if (thing === undefined) {
    throw new Error(`${object} has no ${name}: build it again`);
  }
  return thing;
}

/** The loaded programs and maps of one node. */
export class Datapath {
  readonly bpf: Bpf;
  readonly pins: string;
  /** Name of the folder below `pins`/maps. */
  readonly layout: string;
  readonly clock: TickClock;
  readonly standing: boolean;
  readonly endpoints: EndpointArray;
  readonly rates: RateArray;
  readonly configuration: StructView<"config">;
  readonly fromPod: BpfProgram;
  readonly toPod: BpfProgram;
  readonly noteNode: BpfProgram;
  readonly #loading: LoadOptions;
  readonly #object: LoadedObject;
  readonly #path: string;
  readonly #buckets: number;

  constructor(options: DatapathOptions) {
    const { bpf } = options;
    this.bpf = bpf;
    this.pins = options.pins;
    this.standing = options.clock === "standing";
    this.clock = this.standing ? standingClock : runningClock(bpf.hz);
    this.#path = options.object;
    this.layout = layoutOf(options);
    for (const folder of [join("maps", this.layout), "links"]) {
      mkdirSync(join(options.pins, folder), { recursive: true });
    }
    const unattended = options.unattendedAfter ?? 10;
    const endpoints = Math.min(options.endpointSlots, mostEndpoints);
    this.#buckets = bucketsFor(options.tableSize);
    this.#loading = {
      object: options.object,
      pinRoot: join(options.pins, "maps", this.layout),
      constants: {
        clock_shift: this.clock.shift,
        standing_clock: Number(this.standing),
        connection_buckets: this.#buckets,
        table_size: options.tableSize,
        endpoint_mask: options.endpointSlots - 1,
        unattended_seconds: unattended,
        heartbeat_ticks: ticksOf(this.clock, unattended),
        queue_horizon: options.queueEgress === true ? BigInt(this.bucketTicks * queueSeconds) << bucketShift : 0n,
        bucket_tick_ns: Math.round(1e9 / this.bucketTicks),
        fragment_lifetime: ticksOf(this.clock, fragmentLifetime),
      },
      mapSizes: {
        endpoints: options.endpointSlots,
        connections: this.#buckets,
        endpoint_counters: endpoints,
        rates: endpoints,
        fragments: endpoints,
      },
    };
    this.#object = bpf.load({ ...this.#loading, programs: (name) => name !== intoPod });
    this.endpoints = new EndpointArray(this.map("endpoints").mmap(), options.endpointSlots);
    this.rates = new RateArray(this.map("rates").mmap());
    this.configuration = new StructView("config", this.map("configuration").mmap());
    seedTable(this.configuration);
    this.fromPod = this.program("from_pod");
    this.toPod = this.program("to_pod");
    this.noteNode = this.program("note_node");
  }

  /** Lends the program for the pod's side of one endpoint; what attaches it keeps it alive. */
  withIntoPod(id: number, work: (program: BpfProgram) => void): void {
    const { constants } = this.#loading;
    const loaded = this.bpf.load({
      ...this.#loading,
      constants: { ...constants, pod_endpoint: id },
      programs: (name) => name === intoPod,
    });
    try {
      work(required(loaded.programs, intoPod, this.#path));
    } finally {
      loaded.close();
    }
  }

  map(name: string): BpfMap {
    return required(this.#object.maps, name, this.#path);
  }

  program(name: string): BpfProgram {
    return required(this.#object.programs, name, this.#path);
  }

  get policyMaps(): PolicyMaps {
    return {
      policies: this.map("policies"),
      prefixes: this.map("prefixes"),
      rows: this.map("rows"),
      identity_rows: this.map("identity_rows"),
      rule_hits: this.map("rule_hits"),
    };
  }

  /** Ticks a second of the clock that buckets are filled by. */
  get bucketTicks(): number {
    return this.standing ? this.clock.perSecond : this.bpf.hz;
  }

  /** The clock in ticks, as the programs read it. */
  now(): number {
    const args = makeStruct("clock_args");
    this.program("read_clock").run(args.bytes);
    return args.u32("now");
  }

  /** Shows the programs that an agent is there. */
  beat(): void {
    this.configuration.setU32("heartbeat", this.now());
  }

  /** From now on the programs sweep by themselves whenever no agent does. A standing clock needs none of it. */
  startUnattended(): void {
    this.beat();
    const error = this.program("start_unattended").run(new Uint8Array(0));
    if (error !== 0)
      throw new Error("the timer that sweeps without an agent can't be started: use a kernel from 6.1 on");
  }

  /** Sets the standing clock forward by ticks. */
  advance(ticks: number): void {
    const words = new BigUint64Array(this.configuration.bytes.buffer, this.configuration.bytes.byteOffset, 1);
    Atomics.store(words, structs.config.fields.clock / 8, BigInt(this.now() + ticks));
  }

  recordVerdicts(on: boolean): void {
    const flags = this.configuration.u32("flags");
    this.configuration.setU32("flags", on ? flags | constants.CONFIG_VERDICTS : flags & ~constants.CONFIG_VERDICTS);
  }

  /** How full the table and its endpoints are. */
  load(): { readonly entries: number; readonly pressed: boolean } {
    let entries = 0;
    let pressed = false;
    for (const index of this.endpoints.used()) {
      const view = this.endpoints.at(index);
      const used = view.u32("used");
      entries += used;
      pressed ||= used > 0.9 * view.u32("conntrack_max");
    }
    return { entries, pressed };
  }

  /** Removes entries whose time is up, or whose endpoint or address is gone. Returns how many went. */
  sweep(): number {
    return sweep(this.program("sweep"), this.#buckets);
  }

  /** The entries of the connection table, at about one time. */
  *connections(): Iterable<StructView<"connection_row">> {
    const parts = this.bpf.iterate(this.program("list_connections"), this.map("connections"), readSize);
    const bytes = Buffer.concat([...parts]);
    for (let at = 0; at < bytes.length; at += structs.connection_row.size)
      yield new StructView("connection_row", bytes.buffer, bytes.byteOffset + at);
  }

  /**
   * Puts an entry of another table into this one; its word's generation does not count. False where it is there already
   * or there is no room for it.
   */
  adopt(key: StructView<"connection_key">, word: bigint): boolean {
    const args = makeStruct("adopt_args");
    args.window("key", structs.connection_key.size).set(key.bytes);
    args.setU64("word", word);
    this.program("adopt_connection").run(args.bytes);
    return args.u32("adopted") === 1;
  }

  close(): void {
    this.#object.close();
  }
}
