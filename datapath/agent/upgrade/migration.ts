import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { addressBytes } from "../../../semantics/address.ts";
import type { Address } from "../../../semantics/policy.ts";
import { BpfError } from "../../loader/error.ts";
import type { BpfMap } from "../../loader/ports.ts";
import { constants } from "../abi.generated.ts";
import { uidBytes } from "../apply/endpoints.ts";
import { makeStruct, u32Bytes } from "../bytes.ts";
import type { Datapath } from "../datapath.ts";
import { exceededFields, type FormerEndpoint, type FormerFlow, FormerTables, packetsKey } from "./former.ts";

/** Where an endpoint is now. */
export interface NewPlace {
  readonly uid: string;
  /** In the array `endpoints`. */
  readonly index: number;
  readonly addresses: readonly Address[];
}

const reasonNames = Object.entries(constants).filter(
  ([name, value]) => name.startsWith("REASON_") && value < constants.REASONS,
);

/**
 * Moves what a former agent's maps hold into this one's, where their layouts differ, while the former programs go on
 * judging: flows first, then each interface is given the new programs, then the flows that began meanwhile.
 */
export class Migration {
  readonly #datapath: Datapath;
  readonly #formers: readonly FormerTables[];

  constructor(datapath: Datapath) {
    this.#datapath = datapath;
    this.#formers = openFormers(datapath);
  }

  get isDue(): boolean {
    return this.#formers.length > 0;
  }

  /** What was known of a pod's endpoint. */
  endpoint(uid: string): FormerEndpoint | undefined {
    const key = uidBytes(uid).toString("hex");
    return this.#formers.map((former) => former.endpoint(key)).find((found) => found !== undefined);
  }

  /** Copies flows that are not here yet. An entry that both have is the new programs' own by now. */
  importFlows(places: readonly NewPlace[]): void {
    const byUid = new Map(places.map((place) => [uidBytes(place.uid).toString("hex"), place]));
    for (const former of this.#formers) {
      for (const flow of former.flows()) {
        const place = byUid.get(flow.uid);
        if (place !== undefined) this.#importFlow(flow, place);
      }
    }
  }

  /** Carries an endpoint's counters over (S-73): right before its programs are exchanged, while nobody counts here. */
  importCounters({ uid, index }: NewPlace): void {
    const former = this.endpoint(uid);
    if (former === undefined) return;
    const view = this.#datapath.endpoints.at(index);
    for (const field of exceededFields) view.setU64(field, former.exceeded.get(field) ?? 0n);
    const map = this.#datapath.map("endpoint_counters");
    const counters = makeStruct("endpoint_counters");
    for (let direction = 0; direction < constants.DIRECTIONS; direction++) {
      for (const [name, reason] of reasonNames) {
        const packets = former.packets.get(packetsKey(direction, name)) ?? 0n;
        counters.setU64("packets", packets, direction * constants.REASONS + reason);
      }
    }
    former.bytes.forEach((bytes, place) => {
      counters.setU64("bytes", bytes, place);
    });
    const values = new Uint8Array(map.valueSize * this.#datapath.bpf.possibleCpus);
    values.set(counters.bytes);
    map.update(u32Bytes(view.u32("counters")), values);
  }

  /** After the last exchange: the former maps go as soon as their programs have gone. */
  finish(): void {
    for (const former of this.#formers) former.discard();
  }

  #importFlow(flow: FormerFlow, { index, addresses }: NewPlace): void {
    const view = this.#datapath.endpoints.at(index);
    const slot = addresses.findIndex((address) => hexOf(address) === flow.local);
    const serial = slot < 0 ? 0 : this.#datapath.endpoints.serialOf(index, addresses[slot] as Address);
    if (serial === 0) return;
    const key = makeStruct("connection_key");
    key.window("remote", 16).set(flow.remote);
    key.setU32("endpoint", view.u32("id"));
    key.setU16("local_port", flow.localPort);
    key.setU16("remote_port", flow.remotePort);
    key.setU16("serial", serial);
    key.window("protocol", 1)[0] = flow.protocol;
    key.window("kind", 1)[0] = flow.kind;
    if (flow.table === "connections") {
      this.#datapath.adopt(key, flow.word);
      return;
    }
    const value = makeStruct("exempt_entry");
    value.setU64("word", flow.word);
    create(this.#datapath.map("exemptions"), key.bytes, value.bytes);
  }
}

function hexOf(address: Address): string {
  return Buffer.from(addressBytes(address).bytes).toString("hex");
}

/** Leaves an entry alone that is there already, or that there is no room for. */
function create(map: BpfMap, key: Uint8Array, value: Uint8Array): void {
  try {
    map.update(key, value, "create");
  } catch (error) {
    if (!(error instanceof BpfError && (error.code === "EEXIST" || error.code === "E2BIG"))) throw error;
  }
}

/** The folders of other layouts. One that lacks a map was given up half-made, and nothing can be in force there. */
function openFormers(datapath: Datapath): FormerTables[] {
  const root = join(datapath.pins, "maps");
  const others = readdirSync(root).filter((name) => name !== datapath.layout);
  return others.flatMap((name) => {
    const folder = join(root, name);
    if (existsSync(join(folder, "connections")) && existsSync(join(folder, "endpoint_counters"))) {
      return [new FormerTables(datapath.bpf, folder)];
    }
    rmSync(folder, { recursive: true });
    return [];
  });
}
