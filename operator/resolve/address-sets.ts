import { hostCidr } from "../../semantics/address.ts";
import type { Address, AddressSet, Cidr } from "../../semantics/policy.ts";
import type { PodFacts, PrefixListObject, Snapshot } from "../snapshot.ts";
import type { Attachment } from "./attachment.ts";
import { nameOf } from "./hash.ts";
import type { References } from "./rule-sets.ts";
import { resolveServiceSets } from "./service-sets.ts";
import { cutSlices } from "./slices.ts";

/** Addresses of each pod, by uid. */
type Addresses = ReadonlyMap<string, readonly Address[]>;

type Existing = ReadonlyMap<string, AddressSet>;

/** Slices of each set, by the part of their names that they share. */
type ExistingSlices = ReadonlyMap<string, ReadonlyMap<number, readonly Cidr[]>>;

function existingSlices(existing: Existing): ExistingSlices {
  const slices = new Map<string, Map<number, readonly Cidr[]>>();
  for (const [name, set] of existing) {
    if (set.kind === "service") continue;
    const end = name.lastIndexOf("-");
    const base = name.slice(0, end);
    slices.set(base, (slices.get(base) ?? new Map()).set(Number(name.slice(end + 1)), set.cidrs));
  }
  return slices;
}

/** Cuts the addresses of some pods into sets that are named `base-0`, `base-1` and so on. */
function slicesOf(base: string, pods: readonly PodFacts[], addresses: Addresses, existing: ExistingSlices) {
  const members = pods.map(({ uid }) => (addresses.get(uid) ?? []).map(hostCidr));
  const slices = cutSlices(members, existing.get(base) ?? new Map());
  return [...slices].map(([index, cidrs]) => ({ name: `${base}-${index}`, cidrs }));
}

/**
 * Who is in the groups that rules refer to: one set per combination of them, so that a pod is in one alone. Only pods
 * that have an address are members (S-9).
 */
function memberSets(
  attachments: Iterable<Attachment>,
  referenced: ReadonlySet<string>,
  addresses: Addresses,
  existing: ExistingSlices,
): readonly AddressSet[] {
  const combinations = new Map<string, { groups: Attachment["groups"]; pods: PodFacts[] }>();
  for (const { pod, groups } of attachments) {
    const named = groups.filter(({ key }) => referenced.has(key));
    if (named.length === 0 || !addresses.has(pod.uid)) continue;
    const base = nameOf(
      "members",
      named.map(({ uid }) => uid),
    );
    const combination = combinations.get(base) ?? { groups: named, pods: [] };
    combination.pods.push(pod);
    combinations.set(base, combination);
  }
  return [...combinations].flatMap(([base, { groups, pods }]) =>
    slicesOf(base, pods, addresses, existing).map(
      (slice): AddressSet => ({ kind: "members", groups: groups.map(({ key }) => key), ...slice }),
    ),
  );
}

/** The pods of each namespace that has a network ACL (S-83). */
function namespaceSets(
  pods: readonly PodFacts[],
  namespaces: ReadonlySet<string>,
  addresses: Addresses,
  existing: ExistingSlices,
): readonly AddressSet[] {
  const inside = pods.filter(({ namespace, uid }) => namespaces.has(namespace) && addresses.has(uid));
  return [...Map.groupBy(inside, ({ namespace }) => namespace)].flatMap(([namespace, members]) =>
    slicesOf(nameOf("namespace", [namespace]), members, addresses, existing).map(
      (slice): AddressSet => ({ kind: "namespace", namespace, ...slice }),
    ),
  );
}

/** The entries of each prefix list that rules refer to, one set per list; one that is invalid by now stays as it was. */
function prefixListSets(
  lists: readonly PrefixListObject[],
  referenced: ReadonlySet<string>,
  existing: Existing,
): readonly AddressSet[] {
  return lists
    .filter(({ ref }) => referenced.has(ref.name))
    .flatMap(({ ref, uid, spec }): readonly AddressSet[] => {
      const name = nameOf("prefixlist", [uid]);
      const before = existing.get(name);
      if (spec === undefined) return before ? [before] : [];
      const cidrs = [...new Set(spec.entries.map(({ cidr }) => cidr))].sort();
      return cidrs.length > 0 ? [{ kind: "prefixList", name, prefixList: ref.name, cidrs }] : [];
    });
}

/** All address sets, in the order of their names. */
export function resolveAddressSets(
  snapshot: Snapshot,
  attachments: ReadonlyMap<string, Attachment>,
  addresses: Addresses,
  podByAddress: ReadonlyMap<string, string>,
  references: References,
  aclNamespaces: ReadonlySet<string>,
): readonly AddressSet[] {
  const existing = snapshot.existing.addressSets;
  const slices = existingSlices(existing);
  return [
    ...memberSets(attachments.values(), references.groups, addresses, slices),
    ...resolveServiceSets(snapshot, attachments, addresses, podByAddress, references.groups),
    ...namespaceSets(snapshot.pods, aclNamespaces, addresses, slices),
    ...prefixListSets(snapshot.prefixLists, references.prefixLists, existing),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}
