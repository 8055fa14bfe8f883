import { selects } from "../../crds/selector.ts";
import type { GroupKey } from "../../semantics/policy.ts";
import type { GroupObject, Labels, PodFacts, Snapshot } from "../snapshot.ts";
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

function accountLabels(snapshot: Snapshot): AccountLabels {
  return new Map(snapshot.serviceAccounts.map(({ namespace, name, labels }) => [`${namespace}/${name}`, labels]));
}

/** Whether the group's selectors select the pod: both must where both are given, and without either none does. */
function selectsPod({ namespace, selectors }: GroupObject, pod: PodFacts, accounts: AccountLabels): boolean {
  const { podSelector, serviceAccountSelector } = selectors;
  if (namespace !== pod.namespace || (podSelector === undefined && serviceAccountSelector === undefined)) return false;
  const account = accounts.get(`${pod.namespace}/${pod.serviceAccount}`) ?? {};
  return (
    (podSelector === undefined || selects(podSelector, pod.labels)) &&
    (serviceAccountSelector === undefined || selects(serviceAccountSelector, account))
  );
}

function groupsByNamespace(groups: readonly GroupObject[]): ReadonlyMap<string, readonly GroupObject[]> {
  const sorted = [...groups].sort((a, b) => (a.key < b.key ? -1 : 1));
  return Map.groupBy(sorted, ({ namespace }) => namespace);
}

/** The groups of every pod that can have some, by uid. */
export function resolveAttachments(snapshot: Snapshot, defaultGroup: GroupKey | null): ReadonlyMap<string, Attachment> {
  const accounts = accountLabels(snapshot);
  const groups = groupsByNamespace(snapshot.groups);
  const fallback = snapshot.groups.find(({ key }) => key === defaultGroup);
  const attach = (pod: PodFacts): Attachment => {
    const selecting = (groups.get(pod.namespace) ?? []).filter((group) => selectsPod(group, pod, accounts));
    if (selecting.length > 0 || defaultGroup === null) return { pod, groups: selecting, missingDefault: false };
    return { pod, groups: fallback ? [fallback] : [], missingDefault: fallback === undefined };
  };
  return new Map(snapshot.pods.filter(canHaveGroups).map((pod) => [pod.uid, attach(pod)]));
}

/** Pods on the host's network that each group selects in vain, by the group's key. */
export function hostNetworkPods(snapshot: Snapshot): ReadonlyMap<GroupKey, readonly PodFacts[]> {
  const accounts = accountLabels(snapshot);
  const groups = groupsByNamespace(snapshot.groups);
  const found = new Map<GroupKey, PodFacts[]>();
  for (const pod of snapshot.pods.filter(({ hostNetwork }) => hostNetwork))
    for (const group of groups.get(pod.namespace) ?? [])
      if (selectsPod(group, pod, accounts)) found.set(group.key, [...(found.get(group.key) ?? []), pod]);
  return found;
}
