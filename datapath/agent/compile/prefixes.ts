import { cidrRange } from "../../../semantics/address.ts";
import type { Cidr, Direction, Family } from "../../../semantics/policy.ts";
import { constants } from "../abi.generated.ts";
import { makeStruct } from "../bytes.ts";
import { makeRow, type Row, type RowPool, unite } from "./rows.ts";

/** A rule of one table and one CIDR of its peer. */
export interface PrefixRule {
  readonly direction: Direction;
  readonly rule: number;
  readonly cidr: Cidr;
}

interface Prefix {
  readonly family: Family;
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly rules: Record<Direction, number[]>;
}

/** Key and value of one entry of an inner map of `prefixes`. */
export type PrefixEntry = readonly [key: Uint8Array, value: Uint8Array];

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

function covers(outer: Prefix, inner: Prefix): boolean {
  const whole = outer.length >> 3;
  for (let i = 0; i < whole; i++) {
    if (outer.bytes[i] !== inner.bytes[i]) {
      return false;
    }
  }
  const mask = (0xff00 >> (outer.length & 7)) & 0xff;
  return (((outer.bytes[whole] ?? 0) ^ (inner.bytes[whole] ?? 0)) & mask) === 0;
}

/** `struct prefix_key` of an IPv4 or IPv6 prefix. */
export function prefixKey(family: Family, length: number, bytes: Uint8Array): Uint8Array {
  const key = makeStruct("prefix_key");
  key.setU32("prefixlen", 32 + length);
  key.window("family", 4)[3] = family === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4;
  key.window("address", 16).set(bytes);
  return key.bytes;
}

function prefixValue(ingress: number, egress: number): Uint8Array {
  const value = makeStruct("prefix_rows");
  value.setU16("row", ingress, constants.DIRECTION_INGRESS);
  value.setU16("row", egress, constants.DIRECTION_EGRESS);
  return value.bytes;
}

function gather(rules: readonly PrefixRule[]): Prefix[] {
  const prefixes = new Map<Cidr, Prefix>();
  for (const { direction, rule, cidr } of rules) {
    const { family, prefix: length, bytes } = cidrRange(cidr);
    const known = prefixes.get(cidr) ?? { family, length, bytes, rules: { ingress: [], egress: [] } };
    known.rules[direction].push(rule);
    prefixes.set(cidr, known);
  }
  return [...prefixes.values()].sort((a, b) => compareBytes(a.bytes, b.bytes) || a.length - b.length);
}

/** Entries of one family: each prefix with the rules of all prefixes that cover it, itself included. */
export function compilePrefixes(rules: readonly PrefixRule[], pool: RowPool): PrefixEntry[] {
  const entries: PrefixEntry[] = [];
  const open: { prefix: Prefix; ingress: Row; egress: Row }[] = [];
  for (const prefix of gather(rules)) {
    while (open.length > 0 && !covers((open.at(-1) as (typeof open)[number]).prefix, prefix)) {
      open.pop();
    }
    const outer = open.at(-1);
    const own = { ingress: makeRow(prefix.rules.ingress), egress: makeRow(prefix.rules.egress) };
    const ingress = outer === undefined ? own.ingress : unite(own.ingress, outer.ingress);
    const egress = outer === undefined ? own.egress : unite(own.egress, outer.egress);
    open.push({ prefix, ingress, egress });
    entries.push([
      prefixKey(prefix.family, prefix.length, prefix.bytes),
      prefixValue(pool.add(ingress), pool.add(egress)),
    ]);
  }
  return entries;
}
