import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Btf } from "../../loader/btf.ts";
import type { Bpf, BpfMap } from "../../loader/ports.ts";
import { constants } from "../abi.generated.ts";
import { u32Bytes } from "../bytes.ts";
import { fieldOffsets, structSize, TypedBytes } from "./typed-bytes.ts";

/** Tables with keys of `struct connection_key`. */
export type FlowTable = "connections" | "exemptions";

/** One entry of a former table, with its endpoint and local address in place of their numbers. */
export interface FormerFlow {
  readonly table: FlowTable;
  readonly uid: string;
  /** Hexadecimal, 4 or 16 bytes. */
  readonly local: string;
  readonly remote: Uint8Array;
  readonly localPort: number;
  readonly remotePort: number;
  readonly protocol: number;
  readonly kind: number;
  readonly word: bigint;
}

/** What a former agent knew of an endpoint. */
export interface FormerEndpoint {
  readonly ifindex: number;
  /** `policy_flag` bits. */
  readonly flags: number;
  readonly adoptUntil: number;
  readonly exceeded: ReadonlyMap<ExceededField, bigint>;
  /** Packets by `packetsKey`, and bytes by direction and whether they passed; of all CPUs together. */
  readonly packets: ReadonlyMap<string, bigint>;
  readonly bytes: readonly bigint[];
}

/** Names a counter of packets, by the enumerator of the reason. */
export function packetsKey(direction: number, reason: string): string {
  return `${direction} ${reason}`;
}

/** Counters that live in `struct endpoint`. */
export const exceededFields = [
  "conntrack_allowance_exceeded",
  "conntrack_table_full",
  "bw_in_allowance_exceeded",
  "bw_out_allowance_exceeded",
  "pps_allowance_exceeded",
  "linklocal_allowance_exceeded",
] as const;

type ExceededField = (typeof exceededFields)[number];

interface Owner {
  readonly uid: string;
  /** Addresses in hexadecimal by serial. */
  readonly addresses: ReadonlyMap<number, string>;
}

/** Maps of another layout, read by the type information that they carry. */
export class FormerTables {
  readonly #folder: string;
  readonly #maps: Readonly<Record<"endpoints" | "endpoint_counters" | FlowTable, BpfMap>>;
  readonly #keyOffsets: ReadonlyMap<string, number>;
  readonly #exemptOffsets: ReadonlyMap<string, number>;
  readonly #readBucket: BucketReader;
  readonly #counterOffsets: ReadonlyMap<string, number>;
  readonly #reasons: readonly (readonly [name: string, value: number])[];
  readonly #endpoints = new Map<string, TypedBytes>();
  /** By the endpoint's id. */
  readonly #owners = new Map<number, Owner>();

  /** `folder` holds the pins. Throws a `BpfError` where some are missing. */
  constructor(bpf: Bpf, folder: string) {
    const open = (name: string) => bpf.openPinnedMap(join(folder, name));
    this.#folder = folder;
    this.#maps = {
      endpoints: open("endpoints"),
      endpoint_counters: open("endpoint_counters"),
      connections: open("connections"),
      exemptions: open("exemptions"),
    };
    const flows = bpf.typesOf(this.#maps.connections);
    this.#keyOffsets = fieldOffsets(flows, "connection_key");
    this.#exemptOffsets = fieldOffsets(bpf.typesOf(this.#maps.exemptions), "exempt_entry");
    this.#readBucket = bucketReader(flows);
    const counters = bpf.typesOf(this.#maps.endpoint_counters);
    this.#counterOffsets = fieldOffsets(counters, "endpoint_counters");
    this.#reasons = counters.enums.get("reason") ?? [];
    const endpointOffsets = fieldOffsets(bpf.typesOf(this.#maps.endpoints), "endpoint");
    for (const [, bytes] of this.#maps.endpoints.entries()) {
      const endpoint = new TypedBytes(endpointOffsets, bytes);
      if (endpoint.u32("ifindex") === 0) continue;
      const uid = Buffer.from(endpoint.bytes("uid", 32)).toString("hex");
      this.#endpoints.set(uid, endpoint);
      this.#owners.set(endpoint.u32("id"), { uid, addresses: addressesOf(endpoint) });
    }
  }

  /** By `uidBytes` in hexadecimal. Counters are as they stand now. */
  endpoint(uid: string): FormerEndpoint | undefined {
    const endpoint = this.#endpoints.get(uid);
    if (endpoint === undefined) return undefined;
    return {
      ifindex: endpoint.u32("ifindex"),
      flags: Number((endpoint.u64("policy") >> 32n) & 0xffffn),
      adoptUntil: endpoint.u32("adopt_until"),
      exceeded: new Map(exceededFields.map((field) => [field, endpoint.u64(field)])),
      ...this.#counters(endpoint.u32("counters")),
    };
  }

  /** All flows whose endpoint and address are known. */
  *flows(): Iterable<FormerFlow> {
    for (const [, bucket] of this.#maps.connections.entries())
      for (const [key, word] of this.#readBucket(bucket)) yield* this.#flow("connections", key, word);
    for (const [key, value] of this.#maps.exemptions.entries())
      yield* this.#flow("exemptions", key, new TypedBytes(this.#exemptOffsets, value).u64("word"));
  }

  *#flow(table: FlowTable, bytes: Uint8Array, word: bigint): Iterable<FormerFlow> {
    const key = new TypedBytes(this.#keyOffsets, bytes);
    const owner = this.#owners.get(key.u32("endpoint"));
    const local = owner?.addresses.get(key.u16("serial"));
    if (owner === undefined || local === undefined) return;
    yield {
      table,
      uid: owner.uid,
      local,
      remote: key.bytes("remote", 16),
      localPort: key.u16("local_port"),
      remotePort: key.u16("remote_port"),
      protocol: key.u8("protocol"),
      kind: key.u8("kind"),
      word,
    };
  }

  #counters(index: number): Pick<FormerEndpoint, "packets" | "bytes"> {
    const map = this.#maps.endpoint_counters;
    const values = map.lookup(u32Bytes(index)) ?? new Uint8Array();
    const cpus = Array.from(
      { length: values.length / map.valueSize },
      (_, cpu) => new TypedBytes(this.#counterOffsets, values.subarray(cpu * map.valueSize, (cpu + 1) * map.valueSize)),
    );
    const sum = (field: string, place: number) => cpus.reduce((total, cpu) => total + cpu.u64(field, place), 0n);
    const count = this.#reasons.find(([name]) => name === "REASONS")?.[1] ?? 0;
    const packets = new Map<string, bigint>();
    for (const direction of [constants.DIRECTION_INGRESS, constants.DIRECTION_EGRESS]) {
      for (const [name, value] of this.#reasons.filter(([, value]) => value < count)) {
        packets.set(packetsKey(direction, name), sum("packets", direction * count + value));
      }
    }
    const bytes = Array.from({ length: constants.DIRECTIONS * 2 }, (_, place) => sum("bytes", place));
    return { packets, bytes };
  }

  close(): void {
    for (const map of Object.values(this.#maps)) map.close();
  }

  /** Unpins them: what no program uses any more is freed. */
  discard(): void {
    this.close();
    rmSync(this.#folder, { recursive: true });
  }
}

type BucketReader = (bucket: Uint8Array) => Iterable<readonly [key: Uint8Array, word: bigint]>;

/** How the entries of a former table's buckets are read. A claimed slot is no entry, nor is a free one. */
function bucketReader(types: Btf): BucketReader {
  const bucket = fieldOffsets(types, "connection_bucket");
  const slot = fieldOffsets(types, "connection_slot");
  const stride = structSize(types, "connection_slot");
  const keySize = structSize(types, "connection_key");
  const slots = Math.floor((structSize(types, "connection_bucket") - (bucket.get("slot") ?? 0)) / stride);
  return function* (bytes) {
    const former = new TypedBytes(bucket, bytes);
    for (let i = 0; i < slots; i++) {
      const word = former.u64("word", i);
      if (Number((word >> 32n) & 0xffn) === constants.STATE_CLAIMED) continue;
      yield [former.bytes("slot", stride, i).subarray(slot.get("key")).subarray(0, keySize), word];
    }
  };
}

function addressesOf(endpoint: TypedBytes): ReadonlyMap<number, string> {
  const addresses = new Map<number, string>();
  for (const [serials, field, length] of [
    ["ipv4_serial", "ipv4", 4],
    ["ipv6_serial", "ipv6", 16],
  ] as const) {
    for (let slot = 0; slot < constants.ENDPOINT_ADDRESSES; slot++) {
      const serial = endpoint.u16(serials, slot);
      if (serial !== 0) addresses.set(serial, Buffer.from(endpoint.bytes(field, length, slot)).toString("hex"));
    }
  }
  return addresses;
}
