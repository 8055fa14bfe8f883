import type { ApiObject, ApiPort, Kind, ObjectList, ObjectRef, StoredObject } from "../ports.ts";
import type { Caches } from "./caches.ts";

/** Who is told of each write, and may forbid it by throwing. */
export interface WriteGuard {
  /** Awaited before a write. Rejects where none is permitted, for instance because another replica leads. */
  check(): Promise<void>;
  written(kind: Kind, verb: "apply" | "status" | "finalize" | "delete"): void;
}

/**
 * Reads from caches and writes to the API server. What is written is in the caches before the promise resolves, so
 * that the next decision knows it.
 */
export class CachedApi implements ApiPort {
  readonly #caches: Caches;
  readonly #inner: ApiPort;
  readonly #guard: WriteGuard;

  constructor(caches: Caches, inner: ApiPort, guard: WriteGuard) {
    this.#caches = caches;
    this.#inner = inner;
    this.#guard = guard;
  }

  async get(ref: ObjectRef): Promise<StoredObject | undefined> {
    return this.#caches.of(ref.kind).get(ref);
  }

  async list(kind: Kind): Promise<ObjectList> {
    return { items: this.#caches.of(kind).items(), resourceVersion: "" };
  }

  async apply(object: ApiObject): Promise<StoredObject> {
    await this.#guard.check();
    const stored = await this.#inner.apply(object);
    this.#guard.written(object.kind, "apply");
    this.#caches.of(object.kind).put(stored);
    return stored;
  }

  async applyStatus(ref: ObjectRef, status: unknown): Promise<StoredObject> {
    await this.#guard.check();
    const stored = await this.#inner.applyStatus(ref, status);
    this.#guard.written(ref.kind, "status");
    this.#caches.of(ref.kind).put(stored);
    return stored;
  }

  async finalize(ref: ObjectRef, finalizer: string, present: boolean): Promise<StoredObject | undefined> {
    await this.#guard.check();
    const stored = await this.#inner.finalize(ref, finalizer, present);
    this.#guard.written(ref.kind, "finalize");
    if (stored !== undefined) this.#caches.of(ref.kind).put(stored);
    else this.#forget(ref);
    return stored;
  }

  /** Deletes a compiled object; no finalizer holds one, so that it is gone at once. */
  async delete(ref: ObjectRef, uid?: string): Promise<void> {
    await this.#guard.check();
    await this.#inner.delete(ref, uid);
    this.#guard.written(ref.kind, "delete");
    this.#forget(ref);
  }

  #forget(ref: ObjectRef): void {
    const cache = this.#caches.of(ref.kind);
    const found = cache.get(ref);
    if (found !== undefined) cache.forget(found);
  }
}
