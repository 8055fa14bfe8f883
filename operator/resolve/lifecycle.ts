import type { Address } from "../../semantics/policy.ts";
import type { PodFacts } from "../snapshot.ts";

/**
 * Whether a node must enforce policy for the pod. Terminating and finished pods keep theirs until their sandbox is
 * gone; a pod on the host's network has no interface of its own.
 */
export function isEndpoint(pod: PodFacts): pod is PodFacts & { readonly node: string } {
  return pod.node !== undefined && !pod.hostNetwork && !pod.sandboxGone;
}

/** Whether a group can be attached to the pod, which may still wait for a node. */
export function canHaveGroups(pod: PodFacts): boolean {
  return !pod.hostNetwork && !pod.sandboxGone;
}

/** Newer pods first; of two that are equally new the first uid, so that the order never depends on history. */
const newerFirst = (a: PodFacts, b: PodFacts): number =>
  a.createdAt !== b.createdAt ? (a.createdAt < b.createdAt ? 1 : -1) : a.uid < b.uid ? -1 : 1;

/**
 * The addresses of each pod, by uid. A finished pod has released its own; an address that two pods claim (the older
 * one terminates and the address is in use again) is the newer one's.
 */
export function addressesByPod(pods: readonly PodFacts[]): ReadonlyMap<string, readonly Address[]> {
  const taken = new Set<Address>();
  const addresses = new Map<string, readonly Address[]>();
  for (const pod of pods.filter(({ hostNetwork, finished }) => !hostNetwork && !finished).sort(newerFirst)) {
    const own = pod.addresses.filter((address) => !taken.has(address));
    for (const address of own) taken.add(address);
    if (own.length > 0) addresses.set(pod.uid, own);
  }
  return addresses;
}
