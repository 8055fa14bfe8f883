import { createHash } from "node:crypto";
import type { Bpf, BpfMap } from "../../loader/ports.ts";
import { constants, structs } from "../abi.generated.ts";
import { makeStruct, StructView, u32Bytes } from "../bytes.ts";
import type { PolicyImage } from "../compile/policy.ts";
import type { PrefixEntry } from "../compile/prefixes.ts";
import { type TableRules, tableIndex } from "../compile/table.ts";
import { InnerMaps } from "./inner-maps.ts";
import { Ranges } from "./ranges.ts";

/** The maps that policies live in. */
export interface PolicyMaps {
  readonly policies: BpfMap;
  readonly prefixes: BpfMap;
  readonly rows: BpfMap;
  readonly identity_rows: BpfMap;
  readonly rule_hits: BpfMap;
}

/** What a former agent put into a slot, and where the rest of it is. */
interface AdoptedSlot {
  readonly slot: number;
  readonly firstRow: number;
  readonly rowCount: number;
  readonly firstHit: number;
  readonly hitCount: number;
}

/** A policy in force or about to be: what is kept of an image whose bytes are in the kernel. */
export interface InstalledPolicy {
  readonly slot: number;
  readonly digest: string;
  readonly tables: readonly TableRules[];
  /** Identities that it has rows for. */
  readonly identities: readonly number[];
  readonly firstRow: number;
  readonly firstHit: number;
  /** First hit of each table by `tableIndex`. */
  readonly tableHits: readonly number[];
}

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
function hitPlaces(tables: readonly TableRules[], firstHit: number): readonly number[] {
  const places: number[] = [];
  let next = firstHit;
  for (const { direction, family, rules } of tables) {
    places[tableIndex(direction, family)] = next;
    next += rules.length;
  }
  return places;
}

function countHits(tables: readonly TableRules[]): number {
  return tables.reduce((sum, { rules }) => sum + rules.length, 0);
}

function installedAs(image: PolicyImage, digest: string, slot: number, firstRow: number, firstHit: number) {
  const { tables, identities } = image;
  const tableHits = hitPlaces(tables, firstHit);
  return { slot, digest, tables, identities: [...identities.keys()], firstRow, firstHit, tableHits };
}

/** Writes `struct policy` of an image at its place into `view`. */
function place(
  view: StructView<"policy">,
  image: PolicyImage,
  { digest, firstRow, firstHit, tableHits }: InstalledPolicy,
): void {
  view.bytes.set(image.policy);
  view.window("digest", 32).set(Buffer.from(digest, "hex"));
  view.setU32("first_row", firstRow);
  view.setU32("row_count", image.rows.length);
  view.setU32("first_hit", firstHit);
  view.setU32("hit_count", countHits(image.tables));
  tableHits.forEach((hit, index) => {
    const { buffer, byteOffset } = view.window("tables", structs.table.size, index);
    new StructView("table", buffer, byteOffset).setU32("first_hit", hit);
  });
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
  readonly #policies: InnerMaps;
  readonly #tries: InnerMaps;
  /** Where a policy is put together before it is written: they are large, and the agent's memory is scarce. */
  readonly #placed = makeStruct("policy");
  readonly #taken = new Set<number>();
  /** By digest. */
  readonly #adopted = new Map<string, AdoptedSlot>();

  constructor(bpf: Bpf, maps: PolicyMaps) {
    this.#bpf = bpf;
    this.#maps = maps;
    this.#rows = new Ranges("rows", maps.rows.maxEntries);
    this.#hits = new Ranges("rule_hits", maps.rule_hits.maxEntries);
    const policy = { type: "array", keySize: 4, valueSize: structs.policy.size, maxEntries: 1 } as const;
    this.#policies = new InnerMaps(maps.policies, () => bpf.createMap({ name: "policy", ...policy }));
    const trie = { type: "lpm-trie", keySize: structs.prefix_key.size, valueSize: structs.prefix_rows.size } as const;
    const room = { maxEntries: 262_144, flags: ["no-prealloc"] } as const;
    this.#tries = new InnerMaps(maps.prefixes, () => bpf.createMap({ name: "prefixes", ...trie, ...room }));
  }

  /** Keeps what a former agent put into `slot` until it is installed again as it is, or released. */
  adopt(slot: number, map: BpfMap): void {
    const bytes = map.lookup(u32Bytes(0));
    if (bytes === undefined) {
      return;
    }
    const policy = new StructView("policy", bytes.buffer, bytes.byteOffset);
    this.#taken.add(slot);
    this.#policies.adopt(slot, map);
    const place = {
      slot,
      firstRow: policy.u32("first_row"),
      rowCount: policy.u32("row_count"),
      firstHit: policy.u32("first_hit"),
      hitCount: policy.u32("hit_count"),
    };
    this.#rows.reserve(place.firstRow, place.rowCount);
    this.#hits.reserve(place.firstHit, place.hitCount);
    this.#adopted.set(Buffer.from(policy.window("digest", 32)).toString("hex"), place);
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
    for (const { slot, firstRow, rowCount, firstHit, hitCount } of this.#adopted.values()) {
      const keys = [...this.#maps.identity_rows.entries()].map(([key]) => key);
      this.#maps.identity_rows.deleteMany(keys.filter((key) => slotOf(key) === slot));
      if (rowCount > 0) this.#rows.give(firstRow);
      if (hitCount > 0) this.#hits.give(firstHit);
      this.#taken.delete(slot);
    }
    this.#adopted.clear();
  }

  /**
   * Writes an image into a free slot. It takes effect when an endpoint's policy word names the slot, which may be after
   * `publish`.
   */
  install(image: PolicyImage, digest: string): InstalledPolicy {
    const adopted = this.#adopted.get(digest);
    if (adopted !== undefined) {
      this.#adopted.delete(digest);
      return installedAs(image, digest, adopted.slot, adopted.firstRow, adopted.firstHit);
    }
    const undo: (() => void)[] = [];
    try {
      return this.#installFresh(image, digest, undo);
    } catch (error) {
      // What was taken before something did not fit goes back, or each new try would take more.
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  /** Lets the programs find what was installed. */
  publish(): void {
    this.#policies.publish();
    this.#tries.publish();
  }

  #installFresh(image: PolicyImage, digest: string, undo: (() => void)[]): InstalledPolicy {
    const slot = this.#take();
    undo.push(() => this.#taken.delete(slot));
    const firstRow = this.#rows.take(image.rows.length);
    undo.push(() => this.#rows.give(firstRow));
    const hitCount = countHits(image.tables);
    const firstHit = hitCount > 0 ? this.#hits.take(hitCount) : 0;
    undo.push(() => hitCount > 0 && this.#hits.give(firstHit));
    const installed = installedAs(image, digest, slot, firstRow, firstHit);
    this.#maps.rows.updateMany(image.rows.map((row, index) => [u32Bytes(firstRow + index), row] as const));
    this.#clearHits(firstHit, hitCount);
    // Of these the slot's next policy would inherit what it does not write itself.
    undo.push(() => this.#forgetIdentities(installed));
    this.#maps.identity_rows.updateMany(
      [...image.identities].map(([identity, rows]) => [identityKey(slot, identity), identityValue(rows)] as const),
    );
    this.#writePrefixes(slot, image.prefixes);
    place(this.#placed, image, installed);
    this.#policies.at(slot).update(u32Bytes(0), this.#placed.bytes);
    return installed;
  }

  /** Frees a slot that no packet reads any more. */
  release(policy: InstalledPolicy): void {
    this.#forgetIdentities(policy);
    this.#rows.give(policy.firstRow);
    if (countHits(policy.tables) > 0) this.#hits.give(policy.firstHit);
    this.#taken.delete(policy.slot);
  }

  /** Writes a trie alone, for `config.tracking_slot`, which may name it after `publish`. */
  installPrefixes(entries: readonly PrefixEntry[]): number {
    const slot = this.#take();
    try {
      this.#writePrefixes(slot, entries);
    } catch (error) {
      this.#taken.delete(slot);
      throw error;
    }
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

  #forgetIdentities({ slot, identities }: InstalledPolicy): void {
    this.#maps.identity_rows.deleteMany(identities.map((identity) => identityKey(slot, identity)));
  }

  #clearHits(first: number, count: number): void {
    const zero = new Uint8Array(this.#maps.rule_hits.valueSize * this.#bpf.possibleCpus);
    this.#maps.rule_hits.updateMany(
      Array.from({ length: count }, (_, index) => [u32Bytes(first + index), zero] as const),
    );
  }

  /** A slot that never had prefixes, and gets none, has no trie: `table.has_prefixes` says so. */
  #writePrefixes(slot: number, entries: readonly PrefixEntry[]): void {
    const known = this.#tries.get(slot);
    if (known !== undefined) known.deleteMany([...known.entries()].map(([key]) => key));
    if (entries.length > 0) this.#tries.at(slot).updateMany(entries);
  }
}
