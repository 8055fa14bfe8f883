import { selects } from "../../crds/selector.ts";
import type { GroupKey } from "../../semantics/policy.ts";
import { describeUnknown, groupsById } from "../eks/group-ids.ts";
import type { GroupObject, GroupSelectors, Labels, PodFacts, Snapshot } from "../snapshot.ts";
import { canHaveGroups } from "./lifecycle.ts";

/** The groups of one pod. */
export interface Attachment {
  readonly pod: PodFacts;
  /** In the order of their keys. */
  readonly groups: readonly GroupObject[];
  /** Set: the pod has no group although one is meant for it, which does not exist. What, and what to do. */
  readonly missing?: string;
}

/** Labels of service accounts by `namespace/name`. One that is not known has none. */
type AccountLabels = ReadonlyMap<string, Labels>;

function accountLabels(snapshot: AttachmentSources): AccountLabels {
  return new Map(snapshot.serviceAccounts.map(({ namespace, name, labels }) => [`${namespace}/${name}`, labels]));
}

/** Whether selectors select a pod of their namespace: both must where both are given, and without either none does. */
function selectsPod({ podSelector, serviceAccountSelector }: GroupSelectors, pod: PodFacts, account: Labels): boolean {
  if (podSelector === undefined && serviceAccountSelector === undefined) return false;
  return (
    (podSelector === undefined || selects(podSelector, pod.labels)) &&
    (serviceAccountSelector === undefined || selects(serviceAccountSelector, account))
  );
}

/** One way in which groups come to pods of a namespace. */
interface Attacher {
  readonly selectors: GroupSelectors;
  readonly groups: readonly GroupObject[];
  /** Set: it names groups that do not exist. */
  readonly missing?: string;
}

/** Groups by their own selectors, and by SecurityGroupPolicies that name the id they stand for (section 7). */
function attachersByNamespace({ groups, policies }: Pick<Snapshot, "groups" | "policies">) {
  const attachers = new Map<string, Attacher[]>();
  const add = (namespace: string, attacher: Attacher): void => {
    const own = attachers.get(namespace) ?? [];
    own.push(attacher);
    attachers.set(namespace, own);
  };
  const lookUp = groupsById(groups);
  for (const group of groups) add(group.namespace, { selectors: group.selectors, groups: [group] });
  for (const policy of policies) {
    const { groups: named, unknown } = lookUp(policy);
    const missing = unknown.length > 0 ? { missing: describeUnknown(policy, unknown) } : {};
    add(policy.namespace, { selectors: policy.selectors, groups: named, ...missing });
  }
  return attachers;
}

const byKey = (a: GroupObject, b: GroupObject): number => (a.key < b.key ? -1 : 1);

/** Tells the groups that select a pod, in the order of their keys, and what is missing where there is none. */
function selecting(snapshot: AttachmentSources): (pod: PodFacts) => Omit<Attachment, "pod"> {
  const accounts = accountLabels(snapshot);
  const attachers = attachersByNamespace(snapshot);
  return (pod) => {
    const account = accounts.get(`${pod.namespace}/${pod.serviceAccount}`) ?? {};
    const found = (attachers.get(pod.namespace) ?? []).filter(({ selectors }) => selectsPod(selectors, pod, account));
    const groups = [...new Set(found.flatMap(({ groups }) => groups))].sort(byKey);
    // A group that is there permits no more because another is not: rules only allow (S-1).
    const missing = groups.length > 0 ? undefined : found.find((one) => one.missing !== undefined)?.missing;
    return { groups, ...(missing === undefined ? {} : { missing }) };
  };
}

/** What decides which groups a pod has, beside the pod. */
export type AttachmentSources = Pick<Snapshot, "groups" | "policies" | "serviceAccounts">;

/** Tells the groups of any pod that can have some. */
function attacher(snapshot: AttachmentSources, defaultGroup: GroupKey | null): (pod: PodFacts) => Attachment {
  const groupsOf = selecting(snapshot);
  const fallback = snapshot.groups.find(({ key }) => key === defaultGroup);
  const missingDefault = `the default group ${defaultGroup} does not exist; create it, or change defaultGroup in the configuration`;
  return (pod) => {
    const selected = groupsOf(pod);
    if (selected.groups.length > 0 || selected.missing !== undefined || defaultGroup === null)
      return { pod, ...selected };
    return fallback ? { pod, groups: [fallback] } : { pod, groups: [], missing: missingDefault };
  };
}

/** The groups of every pod that can have some, by uid. */
export function resolveAttachments(snapshot: Snapshot, defaultGroup: GroupKey | null): ReadonlyMap<string, Attachment> {
  const attach = attacher(snapshot, defaultGroup);
  return new Map(snapshot.pods.filter(canHaveGroups).map((pod) => [pod.uid, attach(pod)]));
}

/** Pods on the host's network that each group selects in vain, by the group's key. */
export function hostNetworkPods(
  snapshot: AttachmentSources & Pick<Snapshot, "pods">,
): ReadonlyMap<GroupKey, readonly PodFacts[]> {
  const groupsOf = selecting(snapshot);
  const found = new Map<GroupKey, PodFacts[]>();
  for (const pod of snapshot.pods.filter(({ hostNetwork }) => hostNetwork))
    for (const { key } of groupsOf(pod).groups) found.set(key, [...(found.get(key) ?? []), pod]);
  return found;
}
