import type { Address } from "../../semantics/policy.ts";
import { type AddressBook, claimsAddresses, newerFirst } from "../resolve/lifecycle.ts";
import type { PodFacts } from "../snapshot.ts";

/** All pods, by uid and by address. */
export class PodIndex implements AddressBook {
  readonly #byUid = new Map<string, PodFacts>();
  /** The pods that claim each address, the newest first. */
  readonly #claims = new Map<string, readonly PodFacts[]>();

  constructor(pods: Iterable<PodFacts>) {
    for (const pod of pods) this.#add(pod);
  }

  /** Namespace of the pod of this uid; undefined if there is none. */
  homeOf(uid: string): string | undefined {
    return this.#byUid.get(uid)?.namespace;
  }

  addressesOf(uid: string): readonly Address[] | undefined {
    const pod = this.#byUid.get(uid);
    if (pod === undefined || !claimsAddresses(pod)) return undefined;
    const isOwn = (address: Address): boolean => this.#claims.get(address)?.[0] === pod;
    const own = pod.addresses.every(isOwn) ? pod.addresses : pod.addresses.filter(isOwn);
    return own.length > 0 ? own : undefined;
  }

  ownerOf(address: string): string | undefined {
    return this.#claims.get(address)?.[0]?.uid;
  }

  /** The pods that claim an address that this pod claims too, itself among them if it is here. */
  sharers(pod: PodFacts): readonly PodFacts[] {
    return claimsAddresses(pod) ? pod.addresses.flatMap((address) => this.#claims.get(address) ?? []) : [];
  }

  /** Puts one pod in the place of another. */
  exchange(before: PodFacts | undefined, after: PodFacts | undefined): void {
    if (before !== undefined) this.#remove(before);
    if (after !== undefined) this.#add(after);
  }

  #add(pod: PodFacts): void {
    this.#byUid.set(pod.uid, pod);
    if (!claimsAddresses(pod)) return;
    for (const address of new Set(pod.addresses))
      this.#claims.set(address, [...(this.#claims.get(address) ?? []), pod].sort(newerFirst));
  }

  #remove(pod: PodFacts): void {
    this.#byUid.delete(pod.uid);
    if (!claimsAddresses(pod)) return;
    for (const address of pod.addresses) {
      const left = (this.#claims.get(address) ?? []).filter((other) => other !== pod);
      if (left.length > 0) this.#claims.set(address, left);
      else this.#claims.delete(address);
    }
  }
}
