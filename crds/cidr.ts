import { z } from "zod";
import { hostCidr, parseAddress, parseCidr } from "../semantics/address.ts";
import type { Address, Cidr, Family } from "../semantics/policy.ts";
import { type Reading, read } from "./refusal.ts";

/** IP version of a canonical CIDR or address. */
export function familyOf(text: Cidr | Address): Family {
  return text.includes(":") ? 6 : 4;
}

/** What to do about a text that is no CIDR. */
function remedyFor(text: string): string {
  const [host = "", length] = text.split("/");
  const address = parseAddress(host);
  if (!address.ok) return "write an address and a prefix length, as 10.0.0.0/8 or 2001:db8::/32";
  if (length === undefined) return `for this one address write ${hostCidr(address.value)}`;
  return `write a prefix length from 0 to ${familyOf(address.value) === 4 ? 32 : 128}, as 10.0.0.0/8 or 2001:db8::/32`;
}

/** Reads a CIDR and canonicalises it: host bits are cut off (S-4). */
function readCidr(text: string): Reading<Cidr> {
  const parsed = parseCidr(text);
  return parsed.ok ? { value: parsed.value } : { refusal: { message: parsed.problem, remedy: remedyFor(text) } };
}

/** Reads an IP address into its canonical form. */
function readAddress(text: string): Reading<Address> {
  const parsed = parseAddress(text);
  if (parsed.ok) return { value: parsed.value };
  return { refusal: { message: parsed.problem, remedy: "write an address, as 10.0.0.1 or 2001:db8::1" } };
}

/** A CIDR, parsed to its canonical form. */
export const cidr = read(
  z.string().max(64).meta({ description: "IPv4 or IPv6 CIDR; host bits are cut off (S-4)." }),
  readCidr,
);

/** An IP address, parsed to its canonical form. */
export const address = read(z.string().max(64).meta({ description: "IPv4 or IPv6 address." }), readAddress);
