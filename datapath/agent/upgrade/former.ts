import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Bpf, BpfMap } from "../../loader/ports.ts";
import { constants } from "../abi.generated.ts";
import { u32Bytes } from "../bytes.ts";
import { fieldOffsets, TypedBytes } from "./typed-bytes.ts";

/** Tables with keys of `struct connection_key`. */
const flowTables = ["connections", "exemptions"] as const;

export type FlowTable = (typeof flowTables)[number];

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
  readonly #valueOffsets: ReadonlyMap<string, number>;
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
    this.#valueOffsets = fieldOffsets(flows, "connection");
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
    for (const table of flowTables) {
      for (const [keyBytes, valueBytes] of this.#maps[table].entries()) {
        const key = new TypedBytes(this.#keyOffsets, keyBytes);
        const owner = this.#owners.get(key.u32("endpoint"));
        const local = owner?.addresses.get(key.u16("serial"));
        if (owner === undefined || local === undefined) continue;
        yield {
          table,
          uid: owner.uid,
          local,
          remote: key.bytes("remote", 16),
          localPort: key.u16("local_port"),
          remotePort: key.u16("remote_port"),
          protocol: key.u8("protocol"),
          kind: key.u8("kind"),
          word: new TypedBytes(this.#valueOffsets, valueBytes).u64("word"),
        };
      }
    }
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
