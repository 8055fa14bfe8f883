import type { AclSet, Allowances, EndpointPolicy, NodePolicy, RuleSet } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import type { PrefixListObject, ProfileObject, Snapshot } from "../snapshot.ts";
import { currentAcl } from "./acls.ts";
import { allowancesOf, orderProfiles, profileOf } from "./allowances.ts";
import { type Attachment, resolveAttachments } from "./attachment.ts";
import { byPod, decideEndpoint, type EndpointDecision } from "./endpoints.ts";
import { aclsByNamespace, type JudgedAcl, type JudgedGroup, judgeAcls, judgeGroups } from "./judgement.ts";
import { type AddressBook, isEndpoint } from "./lifecycle.ts";
import { currentRuleSet, type References, referencesOf } from "./rule-sets.ts";
import { resolveTrackedPorts } from "./tracking.ts";

type Groups = ReadonlyMap<string, JudgedGroup>;
type Decisions = ReadonlyMap<string, EndpointDecision>;

/** An endpoint and its node. */
export interface PlacedEndpoint {
  readonly node: string;
  readonly policy: EndpointPolicy;
}

/** What pods and their own objects come to, before it is put together by node and by address. */
export interface Policies {
  /** By group key. */
  readonly groups: ReadonlyMap<string, JudgedGroup>;
  /** By uid. */
  readonly acls: ReadonlyMap<string, JudgedAcl>;
  /** By pod uid; also of pods that wait for a node. */
  readonly attachments: ReadonlyMap<string, Attachment>;
  /** By pod uid; of endpoints alone. */
  readonly decisions: ReadonlyMap<string, EndpointDecision>;
  /** The profile of each endpoint that has one, by pod uid. */
  readonly profiles: ReadonlyMap<string, ProfileObject>;
  /** By pod uid. */
  readonly endpoints: ReadonlyMap<string, PlacedEndpoint>;
  /** Those in use. */
  readonly ruleSets: readonly RuleSet[];
  /** Those in use. */
  readonly aclSets: readonly AclSet[];
}

/** What decides about pods and is not theirs. */
export interface PolicySources {
  /** By name. */
  readonly prefixLists: ReadonlyMap<string, PrefixListObject>;
  readonly book: AddressBook;
  /** What the API has for the pod of a uid. */
  readonly before: (uid: string) => EndpointPolicy | undefined;
}

/** Looks up the groups of an attachment; pods with the same groups get the same list. */
function judging(groups: Groups): (attachment: Attachment) => readonly JudgedGroup[] {
  const known = new Map<string, readonly JudgedGroup[]>();
  return (attachment) => {
    const keys = attachment.groups.map(({ key }) => key).join();
    const judged =
      known.get(keys) ?? attachment.groups.map(({ key }) => groups.get(key)).filter((group) => group !== undefined);
    known.set(keys, judged);
    return judged;
  };
}

function decideEndpoints(
  { existing }: Snapshot,
  attachments: ReadonlyMap<string, Attachment>,
  groups: Groups,
  acls: ReadonlyMap<string, JudgedAcl>,
  before: PolicySources["before"],
  config: OperatorConfig,
): Decisions {
  const byNamespace = aclsByNamespace(acls);
  const judgedOf = judging(groups);
  const decisions = new Map<string, EndpointDecision>();
  for (const [uid, attachment] of attachments) {
    if (!isEndpoint(attachment.pod)) continue;
    const judged = judgedOf(attachment);
    const acl = byNamespace.get(attachment.pod.namespace);
    decisions.set(uid, decideEndpoint(attachment, judged, acl, before(uid), existing, config));
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
  const judgedOf = judging(groups);
  for (const [uid, { refused, filters }] of decisions) {
    const attachment = attachments.get(uid);
    if (refused !== undefined || attachment === undefined || filters.ruleSet === undefined) continue;
    if (!combinations.has(filters.ruleSet)) combinations.set(filters.ruleSet, judgedOf(attachment));
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

function resolveEndpoints(
  snapshot: Snapshot,
  decisions: Decisions,
  profiles: ReadonlyMap<string, ProfileObject>,
  book: AddressBook,
  { conntrackMax }: OperatorConfig,
): ReadonlyMap<string, PlacedEndpoint> {
  const ports = resolveTrackedPorts(snapshot, book);
  const allowances = new Map<ProfileObject | undefined, Allowances>();
  const allowancesFor = (profile: ProfileObject | undefined): Allowances => {
    const own = allowances.get(profile) ?? allowancesOf(profile, conntrackMax);
    allowances.set(profile, own);
    return own;
  };
  return new Map(
    snapshot.pods.filter(isEndpoint).map(({ namespace, name, uid, node }): [string, PlacedEndpoint] => {
      const policy: EndpointPolicy = {
        pod: { namespace, name, uid },
        ...decisions.get(uid)?.filters,
        allowances: allowancesFor(profiles.get(uid)),
        trackedPorts: ports.get(uid) ?? [],
      };
      return [uid, { node, policy }];
    }),
  );
}

/** Works out what filters each pod of a snapshot, and what it may use. */
export function resolvePolicies(
  snapshot: Snapshot,
  { prefixLists, book, before }: PolicySources,
  config: OperatorConfig,
): Policies {
  const groups = judgeGroups(snapshot, prefixLists, config);
  const acls = judgeAcls(snapshot, config);
  const attachments = resolveAttachments(snapshot, config.defaultGroup);
  const decisions = decideEndpoints(snapshot, attachments, groups, acls, before, config);
  const profiles = resolveProfiles(snapshot);
  return {
    groups,
    acls,
    attachments,
    decisions,
    profiles,
    endpoints: resolveEndpoints(snapshot, decisions, profiles, book, config),
    ruleSets: resolveRuleSets(snapshot, attachments, groups, decisions),
    aclSets: resolveAcls(snapshot, acls.values(), decisions),
  };
}

/** What the rules refer to that some endpoint has or may have at once: a set is there before the first pod needs it. */
export function referencesInForce({ groups, ruleSets }: Pick<Policies, "groups" | "ruleSets">): References {
  const valid = [...groups.values()].filter(({ refusal }) => refusal === undefined);
  return referencesOf([...valid, ...ruleSets].flatMap(({ rules }) => rules.map(({ peer }) => peer)));
}

/** The NodePolicies of nodes that have endpoints, in order. */
export function resolveNodePolicies(endpoints: Iterable<PlacedEndpoint>): readonly NodePolicy[] {
  return [...Map.groupBy(endpoints, ({ node }) => node)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, own]) => ({
      node,
      endpoints: own.map(({ policy }) => policy).sort((a, b) => byPod(a.pod, b.pod)),
    }));
}
