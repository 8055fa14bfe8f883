import { defaultLinkLocal, defaultTimeouts } from "../../crds/allowanceprofile.ts";
import { selects } from "../../crds/selector.ts";
import type { Allowances } from "../../semantics/policy.ts";
import type { Labels, PodFacts, ProfileObject } from "../snapshot.ts";

/** Profiles in the order in which they are asked: the highest priority first, ties by name. Invalid ones are left out. */
export function orderProfiles(profiles: readonly ProfileObject[]): readonly ProfileObject[] {
  return profiles
    .filter(({ spec }) => spec !== undefined)
    .sort((a, b) => (b.spec?.priority ?? 0) - (a.spec?.priority ?? 0) || (a.ref.name < b.ref.name ? -1 : 1));
}

/** The profile that applies to a pod, out of ordered ones. An absent selector is no condition. */
export function profileOf(
  pod: PodFacts,
  namespaceLabels: Labels,
  ordered: readonly ProfileObject[],
): ProfileObject | undefined {
  return ordered.find(({ spec }) => {
    const { namespaceSelector, podSelector } = spec ?? {};
    return (
      (namespaceSelector === undefined || selects(namespaceSelector, namespaceLabels)) &&
      (podSelector === undefined || selects(podSelector, pod.labels))
    );
  });
}

/** What a pod with this profile may use; without one the cluster's defaults (S-70). */
export function allowancesOf(profile: ProfileObject | undefined, conntrackMax: number): Allowances {
  const spec = profile?.spec;
  if (spec === undefined) return { conntrackMax, timeouts: defaultTimeouts, linkLocal: defaultLinkLocal };
  const { conntrack, bandwidth, packets, linkLocal } = spec;
  return {
    conntrackMax: conntrack.max ?? conntrackMax,
    timeouts: conntrack.timeouts,
    ...(bandwidth.in ? { bandwidthIn: bandwidth.in } : {}),
    ...(bandwidth.out ? { bandwidthOut: bandwidth.out } : {}),
    ...(packets ? { packets } : {}),
    linkLocal,
  };
}
