import type { Kind, ObjectRef, StoredObject } from "../ports.ts";
import { isLater } from "./version.ts";

/** A change of one object in a cache. */
export interface CacheChange {
  readonly kind: Kind;
  readonly before?: StoredObject;
  readonly after?: StoredObject;
}

type Place = Pick<ObjectRef, "namespace" | "name">;

const keyOf = ({ namespace, name }: Place): string => `${namespace ?? ""}/${name}`;

/**
 * The objects of one kind as far as they are known: from the API server's lists and watches, and from the answers to
 * our own writes, which are known before the watch tells them. What is older than what is known is passed over.
 */
export class ObjectCache {
  readonly #kind: Kind;
  readonly #onChange: (change: CacheChange) => void;
  #objects = new Map<string, StoredObject>();
  /** Uids of objects that we deleted, by place, until the watch tells it too. */
  readonly #deleted = new Map<string, string>();
  #sorted: readonly StoredObject[] | undefined;

  constructor(kind: Kind, onChange: (change: CacheChange) => void) {
    this.#kind = kind;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(place: Place): StoredObject | undefined {
    return this.#objects.get(keyOf(place));
  }

  /** In no order. */
  values(): Iterable<StoredObject> {
    return this.#objects.values();
  }

  /** In the order of namespaces and names. */
  items(): readonly StoredObject[] {
    this.#sorted ??= [...this.#objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
    return this.#sorted;
  }

  /** An object that was created or changed, told by a watch or by the answer to a write. */
  put(object: StoredObject): void {
    const key = keyOf(object.metadata);
    const before = this.#objects.get(key);
    if (this.#deleted.get(key) === object.metadata.uid) return;
    if (before !== undefined && !isLater(object.metadata.resourceVersion, before.metadata.resourceVersion)) return;
    this.#set(key, before, object);
  }

  /** An object that a watch tells to be gone. */
  remove(object: StoredObject): void {
    const key = keyOf(object.metadata);
    if (this.#deleted.get(key) === object.metadata.uid) this.#deleted.delete(key);
    const before = this.#objects.get(key);
    if (before === undefined || isLater(before.metadata.resourceVersion, object.metadata.resourceVersion)) return;
    this.#set(key, before, undefined);
  }

  /** The answer to a deletion: this object is gone. */
  forget({ metadata }: StoredObject): void {
    const key = keyOf(metadata);
    const before = this.#objects.get(key);
    if (before?.metadata.uid !== metadata.uid) return;
    this.#deleted.set(key, metadata.uid);
    this.#set(key, before, undefined);
  }

  /** A whole list, of this resourceVersion. What we wrote since then stays. */
  replace(items: Iterable<StoredObject>, resourceVersion: string): void {
    const listed = new Set<string>();
    for (const item of items) {
      listed.add(keyOf(item.metadata));
      this.put(item);
    }
    for (const [key, before] of this.#objects)
      if (!listed.has(key) && !isLater(before.metadata.resourceVersion, resourceVersion))
        this.#set(key, before, undefined);
    for (const key of this.#deleted.keys()) if (!listed.has(key)) this.#deleted.delete(key);
  }

  /** The kind itself is gone, and with it all objects. */
  clear(): void {
    for (const [key, before] of this.#objects) this.#set(key, before, undefined);
    this.#deleted.clear();
  }

  #set(key: string, before: StoredObject | undefined, after: StoredObject | undefined): void {
    if (after === undefined) this.#objects.delete(key);
    else this.#objects.set(key, after);
    this.#sorted = undefined;
    this.#onChange({ kind: this.#kind, ...(before ? { before } : {}), ...(after ? { after } : {}) });
  }
}
