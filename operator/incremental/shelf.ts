/** Namespace of a key `namespace/name`; empty for the name alone of a cluster-scoped object. */
export const namespaceOf = (key: string): string => key.slice(0, Math.max(key.indexOf("/"), 0));

const none: readonly never[] = [];

/** Objects of one kind, by `namespace/name` or `name`. */
export class Shelf<T> {
  readonly #namespaces = new Map<string, Map<string, T>>();
  /** Those of a namespace in order, as long as none of them changes. */
  readonly #ordered = new Map<string, readonly T[]>();

  get(key: string): T | undefined {
    return this.#namespaces.get(namespaceOf(key))?.get(key);
  }

  /** The object of this key is now so, or is gone. */
  set(key: string, object: T | undefined): void {
    const namespace = namespaceOf(key);
    const own = this.#namespaces.get(namespace) ?? new Map<string, T>();
    if (object === undefined) own.delete(key);
    else own.set(key, object);
    if (own.size === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, own);
    this.#ordered.delete(namespace);
  }

  /** Those of a namespace, in order. */
  within(namespace: string): readonly T[] {
    const own = this.#namespaces.get(namespace);
    if (own === undefined) return none;
    const found =
      this.#ordered.get(namespace) ?? [...own].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
    this.#ordered.set(namespace, found);
    return found;
  }

  /** Namespaces that have some; the empty one stands for cluster-scoped objects. */
  namespaces(): Iterable<string> {
    return this.#namespaces.keys();
  }
}
