import type { PodFacts } from "../snapshot.ts";

type Pods = Map<string, PodFacts>;

const keyOf = ({ namespace, name }: Pick<PodFacts, "namespace" | "name">): string => `${namespace}/${name}`;

/** Whether the pod's addresses are its own and in use. */
const claims = ({ hostNetwork, finished }: PodFacts): boolean => !hostNetwork && !finished;

/** All pods, by where they are looked for. */
export class PodIndex {
  readonly #byKey: Pods = new Map();
  readonly #byNamespace = new Map<string, Pods>();
  readonly #byNode = new Map<string, Pods>();
  /** Namespace of each pod, by uid. */
  readonly #homes = new Map<string, string>();
  /** How many pods have each address. */
  readonly #claims = new Map<string, number>();

  constructor(pods: Iterable<PodFacts>) {
    for (const pod of pods) this.#add(pod);
  }

  get(key: string): PodFacts | undefined {
    return this.#byKey.get(key);
  }

  /** Namespace of the pod of this uid; undefined if there is none. */
  homeOf(uid: string): string | undefined {
    return this.#homes.get(uid);
  }

  /** Whether some pod has this address. */
  isClaimed(address: string): boolean {
    return this.#claims.has(address);
  }

  inNamespace(namespace: string): Iterable<PodFacts> {
    return this.#byNamespace.get(namespace)?.values() ?? [];
  }

  onNode(node: string): Iterable<PodFacts> {
    return this.#byNode.get(node)?.values() ?? [];
  }

  /** Whether another pod has one of this pod's addresses too. */
  shares(pod: PodFacts): boolean {
    return claims(pod) && pod.addresses.some((address) => (this.#claims.get(address) ?? 0) > 1);
  }

  /** The pod of this key is now so, or is gone. */
  set(key: string, pod: PodFacts | undefined): void {
    const before = this.#byKey.get(key);
    if (before !== undefined) this.#remove(before);
    if (pod !== undefined) this.#add(pod);
  }

  #add(pod: PodFacts): void {
    const key = keyOf(pod);
    this.#byKey.set(key, pod);
    this.#homes.set(pod.uid, pod.namespace);
    place(this.#byNamespace, pod.namespace).set(key, pod);
    if (pod.node !== undefined) place(this.#byNode, pod.node).set(key, pod);
    if (claims(pod)) for (const address of pod.addresses) this.#claim(address, 1);
  }

  #remove(pod: PodFacts): void {
    const key = keyOf(pod);
    this.#byKey.delete(key);
    this.#homes.delete(pod.uid);
    this.#byNamespace.get(pod.namespace)?.delete(key);
    if (pod.node !== undefined) this.#byNode.get(pod.node)?.delete(key);
    if (claims(pod)) for (const address of pod.addresses) this.#claim(address, -1);
  }

  #claim(address: string, more: number): void {
    const count = (this.#claims.get(address) ?? 0) + more;
    if (count === 0) this.#claims.delete(address);
    else this.#claims.set(address, count);
  }
}

function place(places: Map<string, Pods>, name: string): Pods {
  const found = places.get(name) ?? new Map();
  places.set(name, found);
  return found;
}
