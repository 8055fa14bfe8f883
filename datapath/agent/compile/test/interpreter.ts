import { addressBytes } from "../../../../semantics/address.ts";
import type { Address, Direction, Family } from "../../../../semantics/policy.ts";
import { constants, structs } from "../../abi.generated.ts";
import type { PolicyImage } from "../policy.ts";
import type { PrefixEntry } from "../prefixes.ts";
import { tableIndex } from "../table.ts";

/** What of a packet the tables ask for. */
export interface Question {
  readonly direction: Direction;
  readonly remote: Address;
  readonly protocol: number;
  /** Destination port; of the family's own ICMP, type << 8 | code. */
  readonly value: number;
}

function familyOf(address: Address): Family {
  return address.includes(":") ? 6 : 4;
}

/** Row of an interval table for a value, by the order that `struct intervals` promises. */
export function intervalRow(start: Uint16Array, row: Uint16Array, value: number): number {
  let found = 0;
  for (let i = 0; i < start.length; i++) {
    if ((start[i] ?? 0) <= value) {
      found = i;
    }
  }
  return row[found] ?? 0;
}

function keyMatches(key: Uint8Array, wanted: Uint8Array): number | undefined {
  const { fields } = structs.prefix_key;
  const length = new DataView(key.buffer, key.byteOffset).getUint32(fields.prefixlen, true);
  for (let bit = 0; bit < length; bit++) {
    const at = fields.family + (bit >> 3);
    if ((((key[at] ?? 0) ^ (wanted[at] ?? 0)) >> (7 - (bit & 7))) & 1) {
      return undefined;
    }
  }
  return length;
}

/** Value of the longest prefix that covers an address, as an LPM trie answers. */
export function longestPrefix(entries: readonly PrefixEntry[], address: Address): Uint8Array | undefined {
  const wanted = new Uint8Array(structs.prefix_key.size);
  const { fields } = structs.prefix_key;
  wanted[fields.family + 3] = familyOf(address) === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4;
  wanted.set(addressBytes(address).bytes, fields.address);
  let best: { readonly length: number; readonly value: Uint8Array } | undefined;
  for (const [key, value] of entries) {
    const length = keyMatches(key, wanted);
    if (length !== undefined && length > (best?.length ?? -1)) {
      best = { length, value };
    }
  }
  return best?.value;
}

/** One table of a policy, as bytes. */
class TableReader {
  readonly #bytes: Uint8Array;

  constructor(image: PolicyImage, index: number) {
    const offset = structs.policy.fields.tables + index * structs.table.size;
    this.#bytes = image.policy.slice(offset, offset + structs.table.size);
  }

  #field(field: keyof (typeof structs.table)["fields"], inner = 0, length = 1): Uint16Array {
    return new Uint16Array(this.#bytes.buffer, structs.table.fields[field] + inner, length);
  }

  get words(): number {
    return new DataView(this.#bytes.buffer).getUint32(structs.table.fields.words, true);
  }

  flag(field: "has_prefixes" | "has_identities" | "any_row"): number {
    return this.#field(field)[0] ?? 0;
  }

  service(family: Family, protocol: number, value: number): number {
    const name = { 6: "tcp", 17: "udp", [family === 4 ? 1 : 58]: "icmp" } as const;
    const intervals = (name as Record<number, "tcp" | "udp" | "icmp">)[protocol];
    if (intervals === undefined) {
      return this.#field("protocol_row", protocol * 2)[0] ?? 0;
    }
    const { start, row } = structs.intervals.fields;
    const part = (inner: number) => this.#field(intervals, inner, constants.PORT_INTERVALS);
    return intervalRow(part(start), part(row), value);
  }
}

function rowBits(image: PolicyImage, row: number, words: number): bigint {
  const bytes = image.rows[row] ?? new Uint8Array(structs.row.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let bits = 0n;
  for (let word = 0; word < words; word++) {
    bits |= view.getBigUint64(word * 8, true) << BigInt(64 * word);
  }
  return bits;
}

/**
 * The lowest rule of a compiled policy that matches, by its bit; undefined: none. Reads the image as the programs read
 * it, and as plainly as can be.
 */
export function lowestRule(image: PolicyImage, question: Question, identity?: number): number | undefined {
  const family = familyOf(question.remote);
  const index = tableIndex(question.direction, family);
  const table = new TableReader(image, index);
  let prefix = table.flag("any_row");
  if (table.flag("has_prefixes") !== 0) {
    const value = longestPrefix(image.prefixes, question.remote);
    const at = (question.direction === "egress" ? constants.DIRECTION_EGRESS : constants.DIRECTION_INGRESS) * 2;
    prefix = value === undefined ? prefix : new DataView(value.buffer, value.byteOffset).getUint16(at, true);
  }
  const known =
    identity === undefined || table.flag("has_identities") === 0 ? undefined : image.identities.get(identity);
  const bits = (row: number) => rowBits(image, row, table.words);
  const matches =
    bits(table.service(family, question.protocol, question.value)) & (bits(prefix) | bits(known?.[index] ?? 0));
  return matches === 0n ? undefined : matches.toString(2).length - 1 - matches.toString(2).lastIndexOf("1");
}

/** Whether the rule at `bit` of the question's table lets through; of a security group every one does. */
export function allows(image: PolicyImage, { direction, remote }: Question, bit: number): boolean {
  const table = structs.policy.fields.tables + tableIndex(direction, familyOf(remote)) * structs.table.size;
  const byte = image.policy[table + structs.table.fields.allow + (bit >> 3)] ?? 0;
  return (byte & (1 << (bit & 7))) !== 0;
}
