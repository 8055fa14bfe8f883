import type { AddressSet } from "../../semantics/policy.ts";
import { nameOf } from "../resolve/hash.ts";
import type { CompiledObjects, Resolution } from "../resolve/resolution.ts";
import type { ExistingObjects, PodFacts, Snapshot } from "../snapshot.ts";
import type { PodIndex } from "./pod-index.ts";

/**
 * What a change of pods can reach: groups, ACLs, Services and address sets of the pods' namespaces, and the policies
 * of the nodes they run on.
 */
export interface Part {
  readonly namespaces: ReadonlySet<string>;
  readonly nodes: ReadonlySet<string>;
}

/** Pods whose outcome is worked out, and those on the same nodes, in the order of a snapshot. */
export function podsOf({ namespaces, nodes }: Part, index: PodIndex): readonly PodFacts[] {
  const pods = new Set<PodFacts>();
  for (const namespace of namespaces) for (const pod of index.inNamespace(namespace)) pods.add(pod);
  for (const node of nodes) for (const pod of index.onNode(node)) pods.add(pod);
  return [...pods].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

const namespaceOf = (key: string): string => key.split("/", 1)[0] ?? "";

/** Names that the address sets of these namespaces' Services have or would have. */
export function serviceSetNames(snapshot: Snapshot, namespaces: ReadonlySet<string>): ReadonlySet<string> {
  const own = snapshot.services.filter(({ namespace }) => namespaces.has(namespace));
  return new Set(own.map(({ namespace, name }) => nameOf("service", [`${namespace}/${name}`])));
}

/** Whether an address set belongs to these namespaces. Without a default group, all its groups are of one namespace. */
export function isOf(set: AddressSet, namespaces: ReadonlySet<string>, services: ReadonlySet<string>): boolean {
  switch (set.kind) {
    case "members":
      return set.groups.some((key) => namespaces.has(namespaceOf(key)));
    case "service":
      return services.has(set.name);
    case "namespace":
      return namespaces.has(set.namespace);
    case "prefixList":
      return false;
  }
}

/** The snapshot of a part: its pods, and what decides about them. */
export function snapshotOf(whole: Snapshot, pods: readonly PodFacts[], existing: ExistingObjects): Snapshot {
  const around = new Set(pods.map(({ namespace }) => namespace));
  const inside = <T extends { readonly namespace: string }>(objects: readonly T[]): readonly T[] =>
    objects.filter(({ namespace }) => around.has(namespace));
  return {
    ...whole,
    groups: inside(whole.groups),
    acls: inside(whole.acls),
    pods,
    serviceAccounts: inside(whole.serviceAccounts),
    services: inside(whole.services),
    endpointSlices: inside(whole.endpointSlices),
    policies: inside(whole.policies),
    existing,
  };
}

/** What a part's resolution says about the part itself, without what it had to know around it. */
export function compiledOf(
  { compiled, decisions }: Resolution,
  { namespaces, nodes }: Part,
  services: ReadonlySet<string>,
  uids: ReadonlySet<string>,
): CompiledObjects {
  const inUse = new Set([...decisions].filter(([uid]) => uids.has(uid)).map(([, { filters }]) => filters.ruleSet));
  return {
    ...compiled,
    ruleSets: compiled.ruleSets.filter(({ name }) => inUse.has(name)),
    acls: compiled.acls.filter(({ namespace }) => namespaces.has(namespace)),
    addressSets: compiled.addressSets.filter((set) => isOf(set, namespaces, services)),
    nodePolicies: compiled.nodePolicies.filter(({ node }) => nodes.has(node)),
  };
}
