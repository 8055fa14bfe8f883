import { type AddressBytes, addressBytes, type CidrRange, cidrRange } from "../address.ts";
import type { Address, Cidr } from "../policy.ts";

/** An address as text and as bytes. */
export interface KnownAddress extends AddressBytes {
  readonly text: Address;
}

/** How many addresses are remembered before all are forgotten, so that a flood fills no memory. */
const mostRemembered = 65_536;

/** Reads addresses, each text once: packets repeat them. */
export class AddressReader {
  readonly #known = new Map<Address, KnownAddress>();

  read(text: Address): KnownAddress {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= mostRemembered) this.#known.clear();
    const address = { text, ...addressBytes(text) };
    this.#known.set(text, address);
    return address;
  }
}

/** Whether an address lies in a CIDR; `0.0.0.0/0` holds IPv4 only, `::/0` IPv6 only (S-8). */
function covers({ family, bytes, prefix }: CidrRange, address: AddressBytes): boolean {
  if (family !== address.family) return false;
  const whole = prefix >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== address.bytes[i]) return false;
  const mask = (0xff00 >> (prefix & 7)) & 0xff;
  return (((bytes[whole] ?? 0) ^ (address.bytes[whole] ?? 0)) & mask) === 0;
}

/** Addresses that some CIDRs hold; none where there are no CIDRs (S-12). */
export class PrefixSet {
  /** CIDRs of one address, by far the most: members of groups. */
  readonly #hosts = new Set<string>();
  readonly #ranges: readonly CidrRange[];

  constructor(cidrs: Iterable<Cidr>) {
    const ranges: CidrRange[] = [];
    for (const cidr of cidrs) {
      const range = cidrRange(cidr);
      if (range.prefix === range.bytes.length * 8) this.#hosts.add(cidr.slice(0, cidr.indexOf("/")));
      else ranges.push(range);
    }
    this.#ranges = ranges;
  }

  has(address: KnownAddress): boolean {
    return this.#hosts.has(address.text) || this.#ranges.some((range) => covers(range, address));
  }
}
