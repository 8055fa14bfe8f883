import { createHash } from "node:crypto";
import { familyOf } from "../../../semantics/address.ts";
import type { Address, AddressSet, Cidr, ServicePort } from "../../../semantics/policy.ts";
import { structs } from "../abi.generated.ts";
import type { Combinations } from "./policy.ts";
import { groupLabel, type Label, namespaceLabel } from "./rules.ts";

/** Which combination of labels each member address has. */
export interface Identities {
  /** Host CIDR → identity number. */
  readonly addresses: ReadonlyMap<Cidr, number>;
  readonly services: readonly ServiceIdentity[];
  readonly combinations: Combinations;
}

/** A Service as one that sends to it sees it: a pod of this identity (S-9a). */
export interface ServiceIdentity {
  readonly addresses: readonly Address[];
  readonly ports: readonly ServicePort[];
  readonly identity: number;
}

/** Sets whose addresses are members of something. */
type MemberSet = Extract<AddressSet, { kind: "members" | "namespace" }>;

function isMemberSet(set: AddressSet): set is MemberSet {
  return set.kind === "members" || set.kind === "namespace";
}

function labelsOf(set: MemberSet): Label[] {
  return set.kind === "members" ? set.groups.map(groupLabel) : [namespaceLabel(set.namespace)];
}

function requireHost(cidr: Cidr, set: MemberSet): void {
  if (!cidr.endsWith(familyOf(cidr) === 6 ? "/128" : "/32")) {
    throw new RangeError(`AddressSet ${set.name}: ${cidr} is no single address; members are addresses`);
  }
}

/** Stands for a combination of labels (`struct combination_key`), in hexadecimal. */
export function combinationKey(labels: ReadonlySet<Label>): string {
  const digest = createHash("sha256")
    .update([...labels].sort().join("\n"))
    .digest();
  return digest.subarray(0, structs.combination_key.size).toString("hex");
}

function labelAddresses(sets: readonly AddressSet[]): ReadonlyMap<Cidr, ReadonlySet<Label>> {
  const labels = new Map<Cidr, ReadonlySet<Label>>();
  for (const set of sets.filter(isMemberSet)) {
    const own = new Set(labelsOf(set));
    for (const cidr of set.cidrs) {
      requireHost(cidr, set);
      const known = labels.get(cidr);
      labels.set(cidr, known === undefined ? own : new Set([...known, ...own]));
    }
  }
  return labels;
}

/**
 * Numbers the combinations of labels that addresses and Services have. A combination keeps the number that `known` has
 * for it, since live policies refer to it; new ones get numbers that `known` does not use.
 */
export function compileIdentities(sets: readonly AddressSet[], known: ReadonlyMap<string, number>): Identities {
  let next = Math.max(0, ...known.values()) + 1;
  const numbers = new Map<string, number>();
  const combinations = new Map<number, ReadonlySet<Label>>();
  // Addresses of one set share their labels.
  const keys = new Map<ReadonlySet<Label>, string>();
  const numberOf = (labels: ReadonlySet<Label>): number => {
    const key = keys.get(labels) ?? combinationKey(labels);
    keys.set(labels, key);
    const number = numbers.get(key) ?? known.get(key) ?? next++;
    numbers.set(key, number);
    combinations.set(number, labels);
    return number;
  };
  const addresses = new Map([...labelAddresses(sets)].map(([cidr, labels]) => [cidr, numberOf(labels)] as const));
  const services = sets
    .filter((set) => set.kind === "service")
    .map((set) => ({
      addresses: set.addresses,
      ports: set.ports,
      identity: numberOf(new Set(set.groups.map(groupLabel))),
    }));
  return { addresses, services, combinations };
}
