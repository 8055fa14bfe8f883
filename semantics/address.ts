import { IPv6 } from "ip-num";
import type { Address, Cidr, Family } from "./policy.ts";

/** What became of a text that should be an address or a CIDR; `problem` says what is wrong with it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** An address in network byte order: 4 bytes or 16. */
export interface AddressBytes {
  readonly family: Family;
  readonly bytes: Uint8Array;
}

/** A CIDR in network byte order, host bits zero. */
export interface CidrRange extends AddressBytes {
  /** Length in bits: 0–32 or 0–128. */
  readonly prefix: number;
}

type Result = { readonly bytes: Uint8Array } | { readonly problem: string };

const decimal = /^(0|[1-9][0-9]{0,2})$/;

function parseIpv4(text: string): Result {
  const parts = text.split(".");
  if (parts.length !== 4) {
    return { problem: "an IPv4 address has four numbers" };
  }
  const padded = parts.find((part) => /^0[0-9]/.test(part));
  if (padded !== undefined) {
    return { problem: `"${padded}" has a leading zero, which some programs read as octal` };
  }
  const wrong = parts.find((part) => !decimal.test(part) || Number(part) > 255);
  if (wrong !== undefined) {
    return { problem: `"${wrong}" is no number from 0 to 255` };
  }
  return { bytes: Uint8Array.from(parts, Number) };
}

const ipv6Shape = /^[0-9A-Fa-f:]+$/;

function parseIpv6(text: string): Result {
  if (text.includes(".")) {
    return { problem: "an IPv4 address inside an IPv6 one is not allowed; write the IPv4 address itself" };
  }
  if (!ipv6Shape.test(text) || text.includes(":::") || text.split("::").length > 2) {
    return { problem: "not an IPv6 address" };
  }
  const groups = text.split(":");
  const compressed = text.includes("::");
  const edge = (compressed ? groups : groups.filter((group) => group !== "")).length;
  if (groups.some((group) => group.length > 4) || edge !== groups.length || (!compressed && groups.length !== 8)) {
    return { problem: "not an IPv6 address" };
  }
  const filled = groups.filter((group) => group !== "").length;
  const stray = (text.startsWith(":") && !text.startsWith("::")) || (text.endsWith(":") && !text.endsWith("::"));
  if (stray || (compressed && filled > 7)) {
    return { problem: "not an IPv6 address" };
  }
  let value: bigint;
  try {
    value = new IPv6(text).getValue();
  } catch {
    return { problem: "not an IPv6 address" };
  }
  const bytes = new Uint8Array(16);
  for (let i = 15; i >= 0; i--) {
    bytes[i] = Number(value & 0xffn);
    value >>= 8n;
  }
  return { bytes };
}

function parseBytes(text: string): Result {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Text of the longest run of zero groups, at least two, that RFC 5952 shortens: its first index and length. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) {
      length++;
    }
    if (length > best.length) {
      best = { start, length };
    }
  }
  return best;
}

/** Canonical text of 4 or 16 bytes (RFC 5952). */
export function formatAddress(bytes: Uint8Array): Address {
  if (bytes.length === 4) {
    return bytes.join(".") as Address;
  }
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  const { start, length } = longestZeros(groups);
  if (start < 0) {
    return text(groups) as Address;
  }
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}` as Address;
}

/** Reads an IPv4 or IPv6 address strictly: no leading zeros, no zone, no IPv4 inside IPv6. */
export function parseAddress(text: string): Parsed<Address> {
  const result = parseBytes(text);
  return "bytes" in result ? { ok: true, value: formatAddress(result.bytes) } : { ok: false, problem: result.problem };
}

function clearHostBits(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - index * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
}

/** Reads a CIDR strictly and clears its host bits (S-4). */
export function parseCidr(text: string): Parsed<Cidr> {
  const [address = "", length, ...rest] = text.split("/");
  if (length === undefined || rest.length > 0) {
    return { ok: false, problem: "a CIDR is an address, a slash and a prefix length" };
  }
  const result = parseBytes(address);
  if ("problem" in result) {
    return { ok: false, problem: result.problem };
  }
  const most = result.bytes.length * 8;
  if (!decimal.test(length) || Number(length) > most) {
    return { ok: false, problem: `"/${length}" is no prefix length from 0 to ${most}` };
  }
  const prefix = Number(length);
  return { ok: true, value: `${formatAddress(clearHostBits(result.bytes, prefix))}/${prefix}` as Cidr };
}

/** Families are told apart by the colon that only IPv6 has. */
export function familyOf(text: Address | Cidr): Family {
  return text.includes(":") ? 6 : 4;
}

/** Numbers that stand between separators; NaN where there is none. */
function numbersOf(text: string, separator: "." | ":"): number[] {
  return text
    .split(separator)
    .map((part) => (part === "" ? Number.NaN : Number(separator === ":" ? `0x${part}` : part)));
}

function expandGroups(text: string): number[] {
  const gap = text.indexOf("::");
  if (gap < 0) return numbersOf(text, ":");
  const first = gap === 0 ? [] : numbersOf(text.slice(0, gap), ":");
  const last = gap === text.length - 2 ? [] : numbersOf(text.slice(gap + 2), ":");
  return [...first, ...new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last];
}

/**
 * Bytes of text that was parsed before. A rule change asks for them by the thousand, and parsing strictly would cost
 * more than the rest of it; what was never parsed is told apart all the same.
 */
function bytesOf(text: Address | Cidr, end = text.length): Uint8Array {
  const address = text.slice(0, end);
  const six = familyOf(text) === 6;
  const numbers = six ? expandGroups(address) : numbersOf(address, ".");
  const most = six ? 0xffff : 0xff;
  if (numbers.length !== (six ? 8 : 4) || !numbers.every((number) => number >= 0 && number <= most)) {
    throw new TypeError(`${text} was never parsed as an address`);
  }
  return Uint8Array.from(six ? numbers.flatMap((group) => [group >> 8, group & 0xff]) : numbers);
}

/** Bytes of a parsed address. */
export function addressBytes(address: Address): AddressBytes {
  return { family: familyOf(address), bytes: bytesOf(address) };
}

/** Bytes and length of a parsed CIDR. */
export function cidrRange(cidr: Cidr): CidrRange {
  const slash = cidr.indexOf("/");
  return { family: familyOf(cidr), bytes: bytesOf(cidr, slash), prefix: Number(cidr.slice(slash + 1)) };
}

/** Whether an address lies in a CIDR; families are independent (S-8). */
export function cidrContains(cidr: Cidr, address: Address): boolean {
  const range = cidrRange(cidr);
  const { family, bytes } = addressBytes(address);
  return family === range.family && clearHostBits(bytes, range.prefix).every((byte, i) => byte === range.bytes[i]);
}

/** The CIDR of one address: /32 or /128. */
export function hostCidr(address: Address): Cidr {
  return `${address}/${address.includes(":") ? 128 : 32}` as Cidr;
}
