import { hostCidr } from "../../semantics/address.ts";
import type { AclSet, AddressSet, Cidr, GroupKey } from "../../semantics/policy.ts";
import type { PodFacts, PrefixListObject, Snapshot } from "../snapshot.ts";
import type { Attachment } from "./attachment.ts";
import { nameOf } from "./hash.ts";
import type { AddressBook } from "./lifecycle.ts";
import type { Named } from "./rule-sets.ts";
import { resolveServiceSets } from "./service-sets.ts";
import { cutSlices } from "./slices.ts";

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
function slicesOf(base: string, pods: readonly PodFacts[], book: AddressBook, existing: ExistingSlices) {
  const members = pods.map(({ uid }) => (book.addressesOf(uid) ?? []).map(hostCidr));
  const slices = cutSlices(members, existing.get(base) ?? new Map());
  return [...slices].map(([index, cidrs]) => ({ name: `${base}-${index}`, cidrs }));
}

/**
 * Who is in the groups that rules refer to: one set per combination of them, so that a pod is in one alone. Only pods
 * that have an address are members (S-9).
 */
function memberSets(
  attachments: Iterable<Attachment>,
  referenced: Named<GroupKey>,
  book: AddressBook,
  existing: ExistingSlices,
): readonly AddressSet[] {
  const combinations = new Map<string, { base: string; groups: Attachment["groups"]; pods: PodFacts[] }>();
  for (const { pod, groups } of attachments) {
    const named = groups.filter(({ key }) => referenced.has(key));
    if (named.length === 0 || book.addressesOf(pod.uid) === undefined) continue;
    // Members of the default group are cut by namespace: those of one must not move the slices of another.
    const guests = named.some(({ namespace }) => namespace !== pod.namespace) ? [pod.namespace] : [];
    const ids = [...named.map(({ uid }) => uid), ...guests];
    const combination = combinations.get(ids.join()) ?? { base: nameOf("members", ids), groups: named, pods: [] };
    combination.pods.push(pod);
    combinations.set(ids.join(), combination);
  }
  return [...combinations.values()].flatMap(({ base, groups, pods }) =>
    slicesOf(base, pods, book, existing).map(
      (slice): AddressSet => ({ kind: "members", groups: groups.map(({ key }) => key), ...slice }),
    ),
  );
}

/** The pods of each namespace that has a network ACL (S-83). */
function namespaceSets(
  pods: readonly PodFacts[],
  namespaces: ReadonlySet<string>,
  book: AddressBook,
  existing: ExistingSlices,
): readonly AddressSet[] {
  const inside = pods.filter(({ namespace, uid }) => namespaces.has(namespace) && book.addressesOf(uid) !== undefined);
  return [...Map.groupBy(inside, ({ namespace }) => namespace)].flatMap(([namespace, members]) =>
    slicesOf(nameOf("namespace", [namespace]), members, book, existing).map(
      (slice): AddressSet => ({ kind: "namespace", namespace, ...slice }),
    ),
  );
}

/** The entries of each prefix list that rules refer to, one set per list; one that is invalid by now stays as it was. */
export function prefixListSets(
  lists: readonly PrefixListObject[],
  referenced: Named<string>,
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

/** The address sets whose addresses are those of pods and Services. `acls` are those in force. */
export function podAddressSets(
  snapshot: Snapshot,
  attachments: ReadonlyMap<string, Attachment>,
  acls: readonly AclSet[],
  book: AddressBook,
  referenced: Named<GroupKey>,
): readonly AddressSet[] {
  const slices = existingSlices(snapshot.existing.addressSets);
  const namespaces = new Set(acls.map(({ namespace }) => namespace));
  return [
    ...memberSets(attachments.values(), referenced, book, slices),
    ...resolveServiceSets(snapshot, attachments, book, referenced),
    ...namespaceSets(snapshot.pods, namespaces, book, slices),
  ];
}
