import { compiledApiVersion, type NodePolicyStatus, type RuleSetSpec } from "../../crds/compiled.ts";
import type { AclSet, AddressSet, NodeConfig, NodePolicy, RuleSet } from "../../semantics/policy.ts";
import type { ApiObject, StoredObject } from "../ports.ts";
import { nameOf } from "../resolve/hash.ts";
import type { CompiledObjects } from "../resolve/resolution.ts";
import type { ExistingObjects, NodeReport } from "../snapshot.ts";

/** Labels by which an agent watches only the address sets that its rules refer to: by hash of the group's key, the list's name or the namespace. */
function labelsOf(set: AddressSet): Readonly<Record<string, string>> {
  switch (set.kind) {
    case "members":
    case "service":
      return Object.fromEntries(set.groups.map((key) => [`group.sallyport.dev/${nameOf("group", [key])}`, ""]));
    case "prefixList":
      return { "sallyport.dev/prefix-list": nameOf("list", [set.prefixList]) };
    case "namespace":
      return { "sallyport.dev/namespace": set.namespace };
  }
}

const object = (kind: ApiObject["kind"], name: string, spec: unknown, labels = {}): ApiObject => ({
  apiVersion: compiledApiVersion,
  kind,
  metadata: { name, ...(Object.keys(labels).length > 0 ? { labels } : {}) },
  spec,
});

const ruleSetObject = (spec: RuleSetSpec): ApiObject =>
  object("RuleSet", spec.content === "acl" ? spec.acl.name : spec.groups.name, spec);

/** The API objects that carry compiled policy, in the order in which they must be written: what is referred to first. */
export function toApiObjects(compiled: CompiledObjects): readonly ApiObject[] {
  return [
    object("NodeConfig", "default", compiled.config),
    ...compiled.addressSets.map((set) => object("AddressSet", set.name, set, labelsOf(set))),
    ...compiled.ruleSets.map((groups) => ruleSetObject({ content: "groups", groups })),
    ...compiled.acls.map((acl) => ruleSetObject({ content: "acl", acl })),
    ...compiled.nodePolicies.map((policy) => object("NodePolicy", policy.node, policy)),
  ];
}

const byName = <T>(objects: readonly StoredObject[]): ReadonlyMap<string, T> =>
  new Map(objects.map(({ metadata, spec }) => [metadata.name, spec as T]));

/** Compiled policy out of its API objects, which only the operator writes. */
export function fromApiObjects(
  lists: Readonly<Record<"RuleSet" | "AddressSet" | "NodePolicy" | "NodeConfig", readonly StoredObject[]>>,
): ExistingObjects {
  const specs = lists.RuleSet.map(({ spec }) => spec as RuleSetSpec);
  const ruleSets = specs.flatMap((spec): readonly RuleSet[] => (spec.content === "groups" ? [spec.groups] : []));
  const acls = specs.flatMap((spec): readonly AclSet[] => (spec.content === "acl" ? [spec.acl] : []));
  const config = byName<NodeConfig>(lists.NodeConfig).get("default");
  return {
    ruleSets: new Map(ruleSets.map((ruleSet) => [ruleSet.name, ruleSet])),
    acls: new Map(acls.map((acl) => [acl.name, acl])),
    addressSets: byName<AddressSet>(lists.AddressSet),
    nodePolicies: byName<NodePolicy>(lists.NodePolicy),
    ...(config === undefined ? {} : { config }),
  };
}

/** The agents' reports by node; a node whose agent has told nothing yet has none. */
export function reportsOf(nodePolicies: readonly StoredObject[]): ReadonlyMap<string, NodeReport> {
  return new Map(
    nodePolicies.flatMap(({ metadata, status }): readonly [string, NodeReport][] => {
      if (status === undefined) return [];
      const told = status as NodePolicyStatus;
      return [[metadata.name, { ...told, current: told.observedGeneration === metadata.generation }]];
    }),
  );
}
