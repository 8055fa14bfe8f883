import { parseAddress, parseCidr } from "../../../semantics/address.ts";
import type { Address, Cidr, Family } from "../../../semantics/policy.ts";

/*
 * Few addresses and ports, so that packets meet rules and each other's connections.
 */

/** A list that is known to have something in it. */
export type Some<T> = readonly [T, ...T[]];

/** An address that is written in the code. */
function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new RangeError(parsed.problem);
  return parsed.value;
}

/** A CIDR that is written in the code. */
function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new RangeError(parsed.problem);
  return parsed.value;
}

function addresses(first: string, ...others: readonly string[]): Some<Address> {
  return [address(first), ...others.map(address)];
}

export function familyOf(text: Address): Family {
  return text.includes(":") ? 6 : 4;
}

/** How many pods, and links, there are at most. */
export const places = 4;

/** All addresses that the pod of a place may have; the first of each family it always has. */
export function placeAddresses(place: number): Readonly<Record<Family, Some<Address>>> {
  return {
    4: addresses(`10.244.0.${10 + place}`, `10.244.0.${20 + place}`),
    6: addresses(`fd00:244::${10 + place}`, `fd00:244::${20 + place}`),
  };
}

export const podAddresses: Readonly<Record<Family, readonly Address[]>> = {
  4: Array.from({ length: places }, (_, place) => placeAddresses(place)[4]).flat(),
  6: Array.from({ length: places }, (_, place) => placeAddresses(place)[6]).flat(),
};

/** Machines outside the cluster. */
export const strangers: Readonly<Record<Family, Some<Address>>> = {
  4: addresses("203.0.113.1", "203.0.113.2", "198.51.100.7"),
  6: addresses("2001:db8::1", "2001:db8::2", "2001:db8:1::7"),
};

export const nodeAddresses: Readonly<Record<Family, Some<Address>>> = {
  4: addresses("10.244.0.1", "203.0.113.254"),
  6: addresses("fd00:244::1", "fe80::1"),
};

/** Cluster addresses of Services; the first one is also that of the cluster's DNS. */
export const serviceAddresses: Readonly<Record<Family, Some<Address>>> = {
  4: addresses("10.96.0.10", "10.96.0.20"),
  6: addresses("fd00:96::10", "fd00:96::20"),
};

/** Link-local services, other nodes' links, and where nobody or everybody is. */
export const oddities: Readonly<Record<Family, Some<Address>>> = {
  4: addresses("169.254.169.254", "169.255.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "0.0.0.0"),
  6: addresses(
    "fd00:ec2::254",
    "fd00:ec3::1",
    "fe80::2",
    "febf::1",
    "ff02::1",
    "ff02::16",
    "ff02::1:2",
    "ff05::1:3",
    "::",
  ),
};

export const peerCidrs: Some<Cidr> = [
  "0.0.0.0/0",
  "::/0",
  "0.0.0.0/1",
  "128.0.0.0/1",
  "203.0.113.0/24",
  "203.0.113.1/32",
  "198.51.100.0/25",
  "10.244.0.0/16",
  "10.96.0.0/16",
  "169.254.0.0/16",
  "2001:db8::/32",
  "2001:db8::1/128",
  "2001:db8::/127",
  "fd00::/8",
  "fe80::/10",
  "::/1",
].map(cidr) as unknown as Some<Cidr>;

/** Ports of servers, and the few that S-20 names. */
export const servicePorts: Some<number> = [80, 22, 443, 53, 0, 65_535, 8080];

export const clientPorts: Some<number> = [40_000, 40_001, 1024];

export const dhcpPorts: Readonly<Record<Family, { readonly client: number; readonly server: number }>> = {
  4: { client: 68, server: 67 },
  6: { client: 546, server: 547 },
};

export const groups = ["default/g0", "default/g1", "default/g2", "other/stale"] as const;

export const prefixLists = ["offices", "partners", "stale"] as const;
