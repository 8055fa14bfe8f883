import { z } from "zod";
import { cidrContains, hostCidr, parseAddress, parseCidr } from "../semantics/address.ts";
import type { Address, Cidr, Family } from "../semantics/policy.ts";
import { twin, twins } from "./cel.ts";
import { type Reading, read } from "./refusal.ts";

/** IP version of a canonical CIDR or address. */
export function familyOf(text: Cidr | Address): Family {
  return text.includes(":") ? 6 : 4;
}

/** Longest text of a CIDR: eight groups of an IPv6 address, a slash and three digits. */
const longestCidr = 43;

const form = "write an address and a prefix length, as 10.0.0.0/8 or 2001:db8::/32";

/** An IPv4 address in the form of an IPv6 one. No packet has it, and the API server's functions refuse it. */
const mapped = { message: "is an IPv4 address in the form of an IPv6 one", remedy: "write the IPv4 address itself" };

const isMapped = (address: Address): boolean => cidrContains("::ffff:0:0/96" as Cidr, address);

/** What to do about a text that is no CIDR. */
function remedyFor(text: string): string {
  const [host = "", length] = text.split("/");
  const address = parseAddress(host);
  if (!address.ok) return form;
  if (length === undefined) return `for this one address write ${hostCidr(address.value)}`;
  return `write a prefix length from 0 to ${familyOf(address.value) === 4 ? 32 : 128}, as 10.0.0.0/8 or 2001:db8::/32`;
}

/** Reads a CIDR and canonicalises it: host bits are cut off (S-4). */
function readCidr(text: string): Reading<Cidr> {
  const parsed = parseCidr(text);
  const written = parseAddress(text.split("/", 1)[0] ?? "");
  if (parsed.ok && written.ok && isMapped(written.value)) return { refusal: mapped };
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
  z
    .string()
    .max(longestCidr)
    .meta({
      description: "IPv4 or IPv6 CIDR; host bits are cut off (S-4).",
      ...twins(
        twin("self.contains('/')", {
          message: "a CIDR is an address, a slash and a prefix length",
          remedy: "for one address write 10.0.0.1/32 or 2001:db8::1/128",
        }),
        twin("!self.contains('/') || (self.contains(':') && self.contains('.')) || isCIDR(self)", {
          message: "not a CIDR: numbers have no leading zeros, prefix lengths go to 32 (IPv4) or 128 (IPv6)",
          remedy: form,
        }),
        twin("!self.contains(':') || !self.contains('.')", mapped),
      ),
    }),
  readCidr,
);

/** An IP address, parsed to its canonical form. */
export const address = read(z.string().max(64).meta({ description: "IPv4 or IPv6 address." }), readAddress);
