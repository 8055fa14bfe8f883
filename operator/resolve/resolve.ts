import type { OperatorConfig } from "../config.ts";
import type { PrefixListObject, Snapshot } from "../snapshot.ts";
import { podAddressSets, prefixListSets } from "./address-sets.ts";
import { endpointsBefore } from "./endpoints.ts";
import { addressBook } from "./lifecycle.ts";
import { referencesInForce, resolveNodePolicies, resolvePolicies } from "./policies.ts";
import type { Resolution } from "./resolution.ts";
import { resolveNodeConfig } from "./tracking.ts";

const byName = (a: { readonly name: string }, b: typeof a): number => (a.name < b.name ? -1 : 1);

/** Works out all compiled objects from a snapshot. Pure: the same snapshot and configuration give the same result. */
export function resolve(snapshot: Snapshot, config: OperatorConfig): Resolution {
  const { existing } = snapshot;
  const prefixLists = new Map(snapshot.prefixLists.map((list): [string, PrefixListObject] => [list.ref.name, list]));
  const endpoints = endpointsBefore(existing);
  const book = addressBook(snapshot.pods);
  const policies = resolvePolicies(snapshot, { prefixLists, book, before: (uid) => endpoints.get(uid) }, config);
  const { attachments, ruleSets, aclSets } = policies;
  const references = referencesInForce(policies);
  const addressSets = [
    ...podAddressSets(snapshot, attachments, aclSets, book, references.groups),
    ...prefixListSets(snapshot.prefixLists, references.prefixLists, existing.addressSets),
  ];
  return {
    snapshot,
    config,
    ...policies,
    prefixLists,
    compiled: {
      ruleSets,
      acls: aclSets,
      addressSets: addressSets.sort(byName),
      nodePolicies: resolveNodePolicies(policies.endpoints.values()),
      config: resolveNodeConfig(snapshot, prefixLists, config),
    },
  };
}
