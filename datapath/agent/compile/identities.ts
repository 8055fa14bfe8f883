import { cidrRange } from "../../../semantics/address.ts";
import type { AddressSet, Cidr } from "../../../semantics/policy.ts";
import type { Combinations } from "./policy.ts";
import { groupLabel, type Label, namespaceLabel } from "./rules.ts";

/** Which combination of labels each member address has. */
export interface Identities {
  /** Host CIDR → identity number. */
  readonly addresses: ReadonlyMap<Cidr, number>;
  readonly combinations: Combinations;
}

function labelsOf(set: AddressSet): Label[] {
  switch (set.kind) {
    case "members":
      return set.groups.map(groupLabel);
    case "namespace":
      return [namespaceLabel(set.namespace)];
    case "prefixList":
      return [];
  }
}

function requireHost(cidr: Cidr, set: AddressSet): void {
  const { family, prefix } = cidrRange(cidr);
  if (prefix !== (family === 6 ? 128 : 32)) {
    throw new RangeError(`AddressSet ${set.name}: ${cidr} is no single address; members are addresses`);
  }
}

/** Text that stands for a combination of labels. */
export function combinationKey(labels: ReadonlySet<Label>): string {
  return [...labels].sort().join("\n");
}

/**
 * Numbers the combinations of labels that addresses have. A combination keeps the number that `known` has for it,
 * since live policies refer to it; new ones get numbers that `known` does not use.
 */
export function compileIdentities(sets: readonly AddressSet[], known: ReadonlyMap<string, number>): Identities {
  const labels = new Map<Cidr, Set<Label>>();
  for (const set of sets) {
    const added = labelsOf(set);
    for (const cidr of added.length > 0 ? set.cidrs : []) {
      requireHost(cidr, set);
      labels.set(cidr, new Set([...(labels.get(cidr) ?? []), ...added]));
    }
  }
  let next = Math.max(0, ...known.values()) + 1;
  const numbers = new Map<string, number>();
  const combinations = new Map<number, ReadonlySet<Label>>();
  const addresses = new Map<Cidr, number>();
  for (const [cidr, combination] of labels) {
    const key = combinationKey(combination);
    const number = numbers.get(key) ?? known.get(key) ?? next++;
    numbers.set(key, number);
    combinations.set(number, combination);
    addresses.set(cidr, number);
  }
  return { addresses, combinations };
}
