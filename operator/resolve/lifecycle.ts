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
export const newerFirst = (a: PodFacts, b: PodFacts): number =>
  a.createdAt !== b.createdAt ? (a.createdAt < b.createdAt ? 1 : -1) : a.uid < b.uid ? -1 : 1;

/** Whether the pod's addresses are its own and in use: a finished pod has released them. */
export function claimsAddresses({ hostNetwork, finished }: PodFacts): boolean {
  return !hostNetwork && !finished;
}

/**
 * Who has which address. One that two pods claim (the older one terminates and the address is in use again) is the
 * newer one's.
 */
export interface AddressBook {
  /** Addresses of the pod of this uid; undefined if it has none. */
  addressesOf(uid: string): readonly Address[] | undefined;
  /** Uid of the pod that has the address. */
  ownerOf(address: string): string | undefined;
}

/** The addresses of some pods. */
export function addressBook(pods: readonly PodFacts[]): AddressBook {
  const owners = new Map<string, string>();
  const addresses = new Map<string, readonly Address[]>();
  for (const { uid, addresses: claimed } of pods.filter(claimsAddresses).sort(newerFirst)) {
    const own = claimed.filter((address) => !owners.has(address));
    for (const address of own) owners.set(address, uid);
    if (own.length > 0) addresses.set(uid, own);
  }
  return { addressesOf: (uid) => addresses.get(uid), ownerOf: (address) => owners.get(address) };
}
