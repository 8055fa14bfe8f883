import { selects } from "../../crds/selector.ts";
import type { GroupKey } from "../../semantics/policy.ts";
import type { GroupObject, GroupSelectors, Labels, PodFacts, Snapshot } from "../snapshot.ts";
import { canHaveGroups } from "./lifecycle.ts";

/** The groups of one pod. */
export interface Attachment {
  readonly pod: PodFacts;
  /** In the order of their keys. */
  readonly groups: readonly GroupObject[];
  /** No group selects the pod and the configured default group does not exist. */
  readonly missingDefault: boolean;
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
}

/** Groups by their own selectors, and by SecurityGroupPolicies that name the id they stand for (section 7). */
function attachersByNamespace({ groups, policies }: Pick<Snapshot, "groups" | "policies">) {
  const attachers = new Map<string, Attacher[]>();
  const add = (namespace: string, attacher: Attacher): void => {
    const own = attachers.get(namespace) ?? [];
    own.push(attacher);
    attachers.set(namespace, own);
  };
  const byId = Map.groupBy(groups, ({ namespace, ec2Id }) => `${namespace}/${ec2Id ?? ""}`);
  for (const group of groups) add(group.namespace, { selectors: group.selectors, groups: [group] });
  for (const { namespace, selectors, groupIds } of policies)
    add(namespace, {
      selectors,
      groups: groupIds.flatMap((id) => (id === "" ? [] : (byId.get(`${namespace}/${id}`) ?? []))),
    });
  return attachers;
}

const byKey = (a: GroupObject, b: GroupObject): number => (a.key < b.key ? -1 : 1);

/** Tells the groups that select a pod, in the order of their keys. */
function selecting(snapshot: AttachmentSources): (pod: PodFacts) => readonly GroupObject[] {
  const accounts = accountLabels(snapshot);
  const attachers = attachersByNamespace(snapshot);
  return (pod) => {
    const account = accounts.get(`${pod.namespace}/${pod.serviceAccount}`) ?? {};
    const found = (attachers.get(pod.namespace) ?? []).filter(({ selectors }) => selectsPod(selectors, pod, account));
    return [...new Set(found.flatMap(({ groups }) => groups))].sort(byKey);
  };
}

/** What decides which groups a pod has, beside the pod. */
type AttachmentSources = Pick<Snapshot, "groups" | "policies" | "serviceAccounts">;

/** Tells the groups of any pod that can have some. */
function attacher(snapshot: AttachmentSources, defaultGroup: GroupKey | null): (pod: PodFacts) => Attachment {
  const groupsOf = selecting(snapshot);
  const fallback = snapshot.groups.find(({ key }) => key === defaultGroup);
  return (pod) => {
    const groups = groupsOf(pod);
    if (groups.length > 0 || defaultGroup === null) return { pod, groups, missingDefault: false };
    return { pod, groups: fallback ? [fallback] : [], missingDefault: fallback === undefined };
  };
}

/** The groups of every pod that can have some, by uid. */
export function resolveAttachments(snapshot: Snapshot, defaultGroup: GroupKey | null): ReadonlyMap<string, Attachment> {
  const attach = attacher(snapshot, defaultGroup);
  return new Map(snapshot.pods.filter(canHaveGroups).map((pod) => [pod.uid, attach(pod)]));
}

/** Pods on the host's network that each group selects in vain, by the group's key. */
export function hostNetworkPods(snapshot: Snapshot): ReadonlyMap<GroupKey, readonly PodFacts[]> {
  const groupsOf = selecting(snapshot);
  const found = new Map<GroupKey, PodFacts[]>();
  for (const pod of snapshot.pods.filter(({ hostNetwork }) => hostNetwork))
    for (const { key } of groupsOf(pod)) found.set(key, [...(found.get(key) ?? []), pod]);
  return found;
}
