import { addressBytes, cidrRange } from "../../../semantics/address.ts";
import type { Address, Cidr, Family } from "../../../semantics/policy.ts";
import type { BpfMap } from "../../loader/ports.ts";
import { constants } from "../abi.generated.ts";
import { littleEndian, makeStruct, type StructView, u32Bytes } from "../bytes.ts";
import type { ServiceIdentity } from "../compile/identities.ts";
import { applyEntries } from "./entries.ts";

type Entry = readonly [key: Uint8Array, value: Uint8Array];

function addressKey(family: Family, bytes: Uint8Array): Uint8Array {
  const key = makeStruct("address_key");
  key.window("address", 16).set(bytes);
  key.setU32("family", family === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4);
  return key.bytes;
}

function identityEntry([cidr, identity]: readonly [Cidr, number]): Entry {
  const { family, bytes } = cidrRange(cidr);
  return [addressKey(family, bytes), u32Bytes(identity)];
}

function sameIdentities(a: ReadonlyMap<Cidr, number>, b: ReadonlyMap<Cidr, number>): boolean {
  if (a.size !== b.size) return false;
  for (const [cidr, identity] of a) if (b.get(cidr) !== identity) return false;
  return true;
}

/** The map `identities`: who each member address is. */
export class IdentityTable {
  readonly #map: BpfMap;
  /** What the map holds; undefined where that must be read. */
  #current: ReadonlyMap<Cidr, number> | undefined;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  /** Writes what is new at once and returns what removes the rest, as `applyEntries`. */
  apply(addresses: ReadonlyMap<Cidr, number>): () => void {
    // Most changes are of rules, and members may be many.
    if (this.#current !== undefined && sameIdentities(this.#current, addresses)) return () => {};
    this.#current = undefined;
    const remove = applyEntries(this.#map, [...addresses].map(identityEntry));
    return () => {
      remove();
      this.#current = addresses;
    };
  }
}

/** Entries of `services` (S-9a). */
export function serviceEntries(services: readonly ServiceIdentity[]): Entry[] {
  return services.flatMap(({ addresses, ports, identity }) =>
    addresses.flatMap((address) =>
      ports.map(({ protocol, port, targetPort }): Entry => {
        const { family, bytes } = addressBytes(address);
        const key = makeStruct("service_key");
        key.window("address", 16).set(bytes);
        key.setU16("port", port);
        key.window("protocol", 1)[0] = protocol;
        key.window("family", 1)[0] = family === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4;
        const value = makeStruct("service");
        value.setU32("identity", identity);
        value.setU16("target_port", targetPort);
        return [key.bytes, value.bytes];
      }),
    ),
  );
}

/** Entries of `roles`: who the node and the DNS servers are (S-20). */
export function roleEntries(node: readonly Address[], dns: readonly Address[]): Entry[] {
  const roles = new Map<Address, number>();
  for (const address of node) {
    roles.set(address, (roles.get(address) ?? 0) | constants.ROLE_NODE);
  }
  for (const address of dns) {
    roles.set(address, (roles.get(address) ?? 0) | constants.ROLE_DNS);
  }
  return [...roles].map(([address, role]) => {
    const { family, bytes } = addressBytes(address);
    return [addressKey(family, bytes), u32Bytes(role)] as const;
  });
}

const filterWords = 2 ** constants.ROLE_FILTER_BITS / 64;

/** Bits of `config.role_filter` for these node addresses. */
function roleFilter(node: readonly Address[]): BigUint64Array {
  const filter = new BigUint64Array(filterWords);
  for (const address of node) {
    const key = new DataView(new ArrayBuffer(16));
    addressBytes(address).bytes.forEach((byte, index) => {
      key.setUint8(index, byte);
    });
    const mixed = [0, 4, 8, 12].reduce((sum, offset) => sum ^ key.getUint32(offset, littleEndian), 0);
    const bit = Math.imul(mixed, constants.ROLE_FILTER_FACTOR) >>> (32 - constants.ROLE_FILTER_BITS);
    filter[bit >> 6] = (filter[bit >> 6] ?? 0n) | (1n << BigInt(bit & 63));
  }
  return filter;
}

/**
 * Sets the filter wide enough for the old node addresses and the new, and returns what narrows it to the new ones,
 * once `roles` holds no others.
 */
export function applyRoleFilter(configuration: StructView<"config">, node: readonly Address[]): () => void {
  const wanted = roleFilter(node);
  wanted.forEach((bits, word) => {
    configuration.setU64("role_filter", configuration.u64("role_filter", word) | bits, word);
  });
  return () => {
    wanted.forEach((bits, word) => {
      configuration.setU64("role_filter", bits, word);
    });
  };
}
