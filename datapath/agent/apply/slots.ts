import { createHash } from "node:crypto";
import type { Bpf, BpfMap } from "../../loader/ports.ts";
import { constants, structs } from "../abi.generated.ts";
import { littleEndian, makeStruct, StructView, u32Bytes } from "../bytes.ts";
import type { PolicyImage } from "../compile/policy.ts";
import type { PrefixEntry } from "../compile/prefixes.ts";
import { tableIndex } from "../compile/table.ts";
import { Ranges } from "./ranges.ts";

/** The maps that policies live in. */
export interface PolicyMaps {
  readonly policies: BpfMap;
  readonly prefixes: BpfMap;
  readonly rows: BpfMap;
  readonly identity_rows: BpfMap;
  readonly rule_hits: BpfMap;
}

/** What a former agent put into a slot. */
interface AdoptedSlot {
  readonly slot: number;
  readonly policy: StructView<"policy">;
}

/** A policy in force or about to be. */
export interface InstalledPolicy {
  readonly slot: number;
  readonly image: PolicyImage;
  readonly digest: string;
  readonly firstRow: number;
  readonly firstHit: number;
  /** First hit of each table by `tableIndex`. */
  readonly tableHits: readonly number[];
}

interface SlotMaps {
  readonly policy: BpfMap;
  prefixes?: BpfMap;
}

const noPrealloc = ["no-prealloc"] as const;

function identityKey(slot: number, identity: number): Uint8Array {
  const key = makeStruct("identity_key");
  key.setU32("slot", slot);
  key.setU32("identity", identity);
  return key.bytes;
}

/** Slot of an `identity_key`. */
function slotOf(key: Uint8Array): number {
  return new StructView("identity_key", key.buffer, key.byteOffset).u32("slot");
}

function identityValue(rows: readonly number[]): Uint8Array {
  const value = makeStruct("identity_rows");
  rows.forEach((row, index) => {
    value.setU16("row", row, index);
  });
  return value.bytes;
}

/** Stands for the whole content of an image. */
export function digestOf(image: PolicyImage): string {
  const hash = createHash("sha256").update(image.policy);
  for (const row of image.rows) {
    hash.update(row);
  }
  for (const [key, value] of image.prefixes) {
    hash.update(key).update(value);
  }
  for (const [identity, rows] of image.identities) {
    hash.update(`${identity}:${rows.join()};`);
  }
  return hash.digest("hex");
}

/** First hit of each table by `tableIndex`, one after another. */
function hitPlaces(image: PolicyImage, firstHit: number): readonly number[] {
  const places: number[] = [];
  let next = firstHit;
  for (const { direction, family, rules } of image.tables) {
    places[tableIndex(direction, family)] = next;
    next += rules.length;
  }
  return places;
}

interface Place {
  readonly digest: string;
  readonly firstRow: number;
  readonly firstHit: number;
  readonly hitCount: number;
  readonly tableHits: readonly number[];
}

/** `struct policy` of an image at its place. */
function placed(image: PolicyImage, { digest, firstRow, firstHit, hitCount, tableHits }: Place): Uint8Array {
  const policy = image.policy.slice();
  const view = new StructView("policy", policy.buffer);
  view.window("digest", 32).set(Buffer.from(digest, "hex"));
  view.setU32("first_row", firstRow);
  view.setU32("row_count", image.rows.length);
  view.setU32("first_hit", firstHit);
  view.setU32("hit_count", hitCount);
  tableHits.forEach((hit, index) => {
    const offset = structs.policy.fields.tables + index * structs.table.size + structs.table.fields.first_hit;
    new DataView(policy.buffer).setUint32(offset, hit, littleEndian);
  });
  return policy;
}

/**
 * Slots of `policies` and `prefixes`. A slot is written only while no endpoint refers to it and no packet can still be
 * reading it, so that no packet ever meets a half-written policy.
 */
export class PolicySlots {
  readonly #bpf: Bpf;
  readonly #maps: PolicyMaps;
  readonly #rows: Ranges;
  readonly #hits: Ranges;
  readonly #slotMaps = new Map<number, SlotMaps>();
  readonly #taken = new Set<number>();
  /** By digest. */
  readonly #adopted = new Map<string, AdoptedSlot>();

  constructor(bpf: Bpf, maps: PolicyMaps) {
    this.#bpf = bpf;
    this.#maps = maps;
    this.#rows = new Ranges("rows", maps.rows.maxEntries);
    this.#hits = new Ranges("rule_hits", maps.rule_hits.maxEntries);
  }

  /** Keeps what a former agent put into `slot` until it is installed again as it is, or released. */
  adopt(slot: number, map: BpfMap): void {
    const bytes = map.lookup(u32Bytes(0));
    if (bytes === undefined) {
      return;
    }
    const policy = new StructView("policy", bytes.buffer, bytes.byteOffset);
    this.#taken.add(slot);
    this.#slotMaps.set(slot, { policy: map });
    this.#rows.reserve(policy.u32("first_row"), policy.u32("row_count"));
    this.#hits.reserve(policy.u32("first_hit"), policy.u32("hit_count"));
    this.#adopted.set(Buffer.from(policy.window("digest", 32)).toString("hex"), { slot, policy });
  }

  /** Forgets what an agent wrote that was killed before an endpoint could refer to it; its slots are given out anew. */
  discardOrphans(): void {
    const keys = [...this.#maps.identity_rows.entries()].map(([key]) => key);
    this.#maps.identity_rows.deleteMany(keys.filter((key) => !this.#taken.has(slotOf(key))));
  }

  hasAdopted(): boolean {
    return this.#adopted.size > 0;
  }

  /** Frees what a former agent left and this one did not install again, once no packet reads it any more. */
  releaseAdopted(): void {
    for (const { slot, policy } of this.#adopted.values()) {
      const keys = [...this.#maps.identity_rows.entries()].map(([key]) => key);
      this.#maps.identity_rows.deleteMany(keys.filter((key) => slotOf(key) === slot));
      if (policy.u32("row_count") > 0) this.#rows.give(policy.u32("first_row"));
      if (policy.u32("hit_count") > 0) this.#hits.give(policy.u32("first_hit"));
      this.#taken.delete(slot);
    }
    this.#adopted.clear();
  }

  /** Writes an image into a free slot. It takes effect when an endpoint's policy word names the slot. */
  install(image: PolicyImage, digest: string): InstalledPolicy {
    const adopted = this.#adopted.get(digest);
    if (adopted !== undefined) {
      this.#adopted.delete(digest);
      const [firstRow, firstHit] = [adopted.policy.u32("first_row"), adopted.policy.u32("first_hit")];
      return { slot: adopted.slot, image, digest, firstRow, firstHit, tableHits: hitPlaces(image, firstHit) };
    }
    const undo: (() => void)[] = [];
    try {
      return this.#installFresh(image, digest, undo);
    } catch (error) {
      // What was taken before something did not fit goes back, or each new try would take more.
      for (const step of undo) step();
      throw error;
    }
  }

  #installFresh(image: PolicyImage, digest: string, undo: (() => void)[]): InstalledPolicy {
    const slot = this.#take();
    undo.push(() => this.#taken.delete(slot));
    const firstRow = this.#rows.take(image.rows.length);
    undo.push(() => this.#rows.give(firstRow));
    const hitCount = image.tables.reduce((sum, table) => sum + table.rules.length, 0);
    const firstHit = hitCount > 0 ? this.#hits.take(hitCount) : 0;
    undo.push(() => hitCount > 0 && this.#hits.give(firstHit));
    const tableHits = hitPlaces(image, firstHit);
    const bytes = placed(image, { digest, firstRow, firstHit, hitCount, tableHits });
    this.#maps.rows.updateMany(image.rows.map((row, index) => [u32Bytes(firstRow + index), row] as const));
    this.#clearHits(firstHit, hitCount);
    this.#maps.identity_rows.updateMany(
      [...image.identities].map(([identity, rows]) => [identityKey(slot, identity), identityValue(rows)] as const),
    );
    this.#writePrefixes(slot, image.prefixes);
    this.#policyMap(slot).update(u32Bytes(0), bytes);
    return { slot, image, digest, firstRow, firstHit, tableHits };
  }

  /** Frees a slot that no packet reads any more. */
  release({ slot, image, firstRow, firstHit }: InstalledPolicy): void {
    this.#maps.identity_rows.deleteMany([...image.identities.keys()].map((identity) => identityKey(slot, identity)));
    this.#rows.give(firstRow);
    if (image.tables.some((table) => table.rules.length > 0)) {
      this.#hits.give(firstHit);
    }
    this.#taken.delete(slot);
  }

  /** Writes a trie alone, for `config.tracking_slot`. */
  installPrefixes(entries: readonly PrefixEntry[]): number {
    const slot = this.#take();
    this.#writePrefixes(slot, entries);
    return slot;
  }

  /** Keeps a slot of a former agent until it is released. */
  reserve(slot: number): void {
    this.#taken.add(slot);
  }

  releasePrefixes(slot: number): void {
    this.#taken.delete(slot);
  }

  #take(): number {
    for (let slot = 1; slot < constants.POLICY_SLOTS; slot++) {
      if (!this.#taken.has(slot)) {
        this.#taken.add(slot);
        return slot;
      }
    }
    throw new RangeError(`all ${constants.POLICY_SLOTS - 1} policy slots are taken: too many combinations of groups`);
  }

  #clearHits(first: number, count: number): void {
    const zero = new Uint8Array(this.#maps.rule_hits.valueSize * this.#bpf.possibleCpus);
    for (let index = first; index < first + count; index++) {
      this.#maps.rule_hits.update(u32Bytes(index), zero);
    }
  }

  #policyMap(slot: number): BpfMap {
    const known = this.#slotMaps.get(slot);
    if (known !== undefined) {
      return known.policy;
    }
    const policy = this.#bpf.createMap({
      type: "array",
      name: "policy",
      keySize: 4,
      valueSize: structs.policy.size,
      maxEntries: 1,
    });
    this.#maps.policies.update(u32Bytes(slot), u32Bytes(policy.fd));
    this.#slotMaps.set(slot, { policy });
    return policy;
  }

  #writePrefixes(slot: number, entries: readonly PrefixEntry[]): void {
    const own = this.#slotMaps.get(slot) ?? { policy: this.#policyMap(slot) };
    const known = own.prefixes;
    if (known !== undefined) {
      known.deleteMany([...known.entries()].map(([key]) => key));
      known.updateMany(entries);
      return;
    }
    const trie = this.#bpf.createMap({
      type: "lpm-trie",
      name: "prefixes",
      keySize: structs.prefix_key.size,
      valueSize: structs.prefix_rows.size,
      maxEntries: 262_144,
      flags: noPrealloc,
    });
    trie.updateMany(entries);
    this.#maps.prefixes.update(u32Bytes(slot), u32Bytes(trie.fd));
    this.#slotMaps.set(slot, { ...own, prefixes: trie });
  }
}
