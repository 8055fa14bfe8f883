import type { AddressSet, CompiledState, NodePolicy } from "../../semantics/policy.ts";
import type { CompiledObjects } from "./resolution.ts";
import { type References, referencesOf } from "./rule-sets.ts";

function concerns(set: AddressSet, references: References, namespaces: ReadonlySet<string>): boolean {
  switch (set.kind) {
    case "members":
    case "service":
      return set.groups.some((group) => references.groups.has(group));
    case "prefixList":
      return references.prefixLists.has(set.prefixList);
    case "namespace":
      return namespaces.has(set.namespace);
  }
}

/** What concerns one node: its endpoints, and what they refer to in one step or two. A node without endpoints has none. */
export function nodeState(compiled: CompiledObjects, node: string): CompiledState {
  const policy: NodePolicy = compiled.nodePolicies.find((other) => other.node === node) ?? { node, endpoints: [] };
  const ruleSetNames = new Set(policy.endpoints.map(({ ruleSet }) => ruleSet));
  const aclNames = new Set(policy.endpoints.map(({ acl }) => acl));
  const ruleSets = compiled.ruleSets.filter(({ name }) => ruleSetNames.has(name));
  const acls = compiled.acls.filter(({ name }) => aclNames.has(name));
  const references = referencesOf(ruleSets.flatMap(({ rules }) => rules.map(({ peer }) => peer)));
  const namespaces = new Set(acls.map(({ namespace }) => namespace));
  const addressSets = compiled.addressSets.filter((set) => concerns(set, references, namespaces));
  return { config: compiled.config, ruleSets, acls, addressSets, node: policy };
}
