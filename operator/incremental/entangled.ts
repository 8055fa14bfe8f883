import type { EndpointSliceFacts } from "../snapshot.ts";
import type { PodIndex } from "./pod-index.ts";

type Backend = EndpointSliceFacts["backends"][number];

/** Uids that a backend means, by uid or by address. */
const uidsOf = ({ uid, addresses }: Backend, pods: PodIndex): readonly (string | undefined)[] =>
  uid === undefined ? addresses.map((address) => pods.ownerOf(address)) : [uid];

/**
 * EndpointSlices that list, or may come to list, pods of another namespace than their own. Kubernetes' own controller
 * writes none; as long as there is one, no namespace stands alone.
 */
export class EntangledSlices {
  readonly #pods: PodIndex;
  /** Those that do not name known pods of their own namespace alone, by `namespace/name`. */
  readonly #suspects = new Map<string, EndpointSliceFacts>();

  constructor(slices: Iterable<EndpointSliceFacts>, pods: PodIndex) {
    this.#pods = pods;
    for (const slice of slices) this.exchange(`${slice.namespace}/${slice.name}`, slice);
  }

  /** The slice of this key is now so, or is gone. */
  exchange(key: string, slice: EndpointSliceFacts | undefined): void {
    if (slice === undefined || this.#isPlain(slice)) this.#suspects.delete(key);
    else this.#suspects.set(key, slice);
  }

  /** Whether some slice lists a pod of another namespace now. */
  some(): boolean {
    for (const [key, slice] of [...this.#suspects]) {
      if (this.#isPlain(slice)) this.#suspects.delete(key);
      else if (this.#isEntangled(slice)) return true;
    }
    return false;
  }

  /** A pod never changes its namespace, and its uid is never another's: such a slice stays as it is. */
  #isPlain({ namespace, backends }: EndpointSliceFacts): boolean {
    return backends.every(({ uid }) => uid !== undefined && this.#pods.homeOf(uid) === namespace);
  }

  #isEntangled({ namespace, backends }: EndpointSliceFacts): boolean {
    const homes = backends.flatMap((backend) => uidsOf(backend, this.#pods).map((uid) => this.#pods.homeOf(uid ?? "")));
    return homes.some((home) => home !== undefined && home !== namespace);
  }
}
