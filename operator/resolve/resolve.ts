import type { AclSet, EndpointPolicy, NodePolicy, Rule, RuleSet } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import type { PrefixListObject, ProfileObject, Snapshot } from "../snapshot.ts";
import { currentAcl } from "./acls.ts";
import { resolveAddressSets } from "./address-sets.ts";
import { allowancesOf, orderProfiles, profileOf } from "./allowances.ts";
import { type Attachment, resolveAttachments } from "./attachment.ts";
import { byPod, decideEndpoint, type EndpointDecision, endpointsBefore } from "./endpoints.ts";
import { aclsByNamespace, type JudgedAcl, type JudgedGroup, judgeAcls, judgeGroups } from "./judgement.ts";
import { addressesByPod, isEndpoint } from "./lifecycle.ts";
import type { CompiledObjects, Resolution } from "./resolution.ts";
import { currentRuleSet, type References, referencesOf, ruleSetName } from "./rule-sets.ts";
import { resolveNodeConfig, resolveTrackedPorts } from "./tracking.ts";

type Groups = ReadonlyMap<string, JudgedGroup>;
type Decisions = ReadonlyMap<string, EndpointDecision>;

const judgedOf = (attachment: Attachment, groups: Groups): readonly JudgedGroup[] =>
  attachment.groups.map(({ key }) => groups.get(key)).filter((group) => group !== undefined);

function decideEndpoints(
  snapshot: Snapshot,
  attachments: ReadonlyMap<string, Attachment>,
  groups: Groups,
  acls: ReadonlyMap<string, JudgedAcl>,
  config: OperatorConfig,
): Decisions {
  const before = endpointsBefore(snapshot.existing);
  const byNamespace = aclsByNamespace(acls);
  const decisions = new Map<string, EndpointDecision>();
  for (const [uid, attachment] of attachments) {
    if (!isEndpoint(attachment.pod)) continue;
    const judged = judgedOf(attachment, groups);
    const acl = byNamespace.get(attachment.pod.namespace);
    decisions.set(uid, decideEndpoint(attachment, judged, acl, before.get(uid), snapshot.existing, config));
  }
  return decisions;
}

/** Names that endpoints refer to, in order. */
function namesInUse(decisions: Decisions, field: "ruleSet" | "acl"): readonly string[] {
  const names = [...decisions.values()].map(({ filters }) => filters[field]).filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}

function resolveRuleSets(
  { existing }: Snapshot,
  attachments: ReadonlyMap<string, Attachment>,
  groups: Groups,
  decisions: Decisions,
): readonly RuleSet[] {
  const combinations = new Map<string, readonly JudgedGroup[]>();
  for (const [uid, { refused }] of decisions) {
    const attachment = attachments.get(uid);
    if (refused !== undefined || attachment === undefined || attachment.groups.length === 0) continue;
    const judged = judgedOf(attachment, groups);
    combinations.set(ruleSetName(judged), judged);
  }
  return namesInUse(decisions, "ruleSet")
    .map((name) => currentRuleSet(name, combinations, existing.ruleSets.get(name), groups))
    .filter((ruleSet) => ruleSet !== undefined);
}

function resolveAcls({ existing }: Snapshot, acls: Iterable<JudgedAcl>, decisions: Decisions): readonly AclSet[] {
  const judged = [...acls];
  return namesInUse(decisions, "acl")
    .map((name) => currentAcl(name, judged, existing.acls.get(name)))
    .filter((acl) => acl !== undefined);
}

function resolveProfiles(snapshot: Snapshot): ReadonlyMap<string, ProfileObject> {
  const ordered = orderProfiles(snapshot.profiles);
  const labels = new Map(snapshot.namespaces.map(({ name, labels }) => [name, labels]));
  const applying = snapshot.pods
    .filter(isEndpoint)
    .map((pod): [string, ProfileObject | undefined] => [
      pod.uid,
      profileOf(pod, labels.get(pod.namespace) ?? {}, ordered),
    ]);
  return new Map(applying.filter((entry): entry is [string, ProfileObject] => entry[1] !== undefined));
}

function resolveNodePolicies(
  snapshot: Snapshot,
  decisions: Decisions,
  profiles: ReadonlyMap<string, ProfileObject>,
  podByAddress: ReadonlyMap<string, string>,
  { conntrackMax }: OperatorConfig,
): readonly NodePolicy[] {
  const ports = resolveTrackedPorts(snapshot, podByAddress);
  const nodes = Map.groupBy(snapshot.pods.filter(isEndpoint).sort(byPod), ({ node }) => node);
  return [...nodes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, pods]) => ({
      node,
      endpoints: pods.map(
        ({ namespace, name, uid }): EndpointPolicy => ({
          pod: { namespace, name, uid },
          ...decisions.get(uid)?.filters,
          allowances: allowancesOf(profiles.get(uid), conntrackMax),
          trackedPorts: ports.get(uid) ?? [],
        }),
      ),
    }));
}

/** The rules that some endpoint has or may have at once: a set that they refer to is there before the first pod needs it. */
function rulesInForce(groups: Groups, ruleSets: readonly RuleSet[]): readonly Rule[] {
  const valid = [...groups.values()].filter(({ refusal }) => refusal === undefined);
  return [...valid, ...ruleSets].flatMap(({ rules }) => rules);
}

/**
 * Works out all compiled objects from a snapshot. Pure: the same snapshot and configuration give the same result.
 * `known`: what all rules of the cluster refer to, for a snapshot that holds a part of it.
 */
export function resolve(snapshot: Snapshot, config: OperatorConfig, known?: References): Resolution {
  const prefixLists = new Map(snapshot.prefixLists.map((list): [string, PrefixListObject] => [list.ref.name, list]));
  const groups = judgeGroups(snapshot, prefixLists, config);
  const acls = judgeAcls(snapshot, config);
  const attachments = resolveAttachments(snapshot, config.defaultGroup);
  const decisions = decideEndpoints(snapshot, attachments, groups, acls, config);
  const addresses = addressesByPod(snapshot.pods);
  const podByAddress = new Map(
    [...addresses].flatMap(([uid, own]) => own.map((address): [string, string] => [address, uid])),
  );
  const ruleSets = resolveRuleSets(snapshot, attachments, groups, decisions);
  const aclSets = resolveAcls(snapshot, acls.values(), decisions);
  const references = known ?? referencesOf(rulesInForce(groups, ruleSets).map(({ peer }) => peer));
  const aclNamespaces = new Set(aclSets.map(({ namespace }) => namespace));
  const profiles = resolveProfiles(snapshot);
  const compiled: CompiledObjects = {
    ruleSets,
    acls: aclSets,
    addressSets: resolveAddressSets(snapshot, attachments, addresses, podByAddress, references, aclNamespaces),
    nodePolicies: resolveNodePolicies(snapshot, decisions, profiles, podByAddress, config),
    config: resolveNodeConfig(snapshot, prefixLists, config),
  };
  return { snapshot, config, compiled, groups, acls, prefixLists, attachments, decisions, references, profiles };
}
