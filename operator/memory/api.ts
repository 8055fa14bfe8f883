import {
  ApiError,
  type ApiObject,
  type ApiPort,
  type Clock,
  checkedRef,
  describeRef,
  type Kind,
  kinds,
  type ObjectList,
  type ObjectRef,
  refOf,
  type StoredObject,
  type WatchEvent,
} from "../ports.ts";
import { same } from "../same.ts";
import { withoutServerFields } from "./content.ts";
import { Journal } from "./journal.ts";

/** One change that reached the store: what an audit log would hold. */
export interface Write {
  readonly verb: "create" | "update" | "status" | "finalize" | "mark-deleted" | "delete";
  readonly ref: ObjectRef;
}

/**
 * An API server in memory, with the semantics that the operator relies on: uid, resourceVersion, generation, status
 * subresource, finalizers and deletionTimestamp, watch events in order. It validates no schema. Objects that it
 * hands out are frozen.
 */
export class MemoryApi implements ApiPort {
  readonly #objects = new Map<string, StoredObject>();
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #writes: Write[] = [];
  #revision = 0;
  #uids = 0;

  /** `remembered`: how many changes a watch may lie behind before it is `Expired`. */
  constructor(clock: Clock, remembered = 10_000) {
    this.#clock = clock;
    this.#journal = new Journal(remembered);
  }

  /** Every change since the start, oldest first. */
  get writes(): readonly Write[] {
    return this.#writes;
  }

  async get(ref: ObjectRef): Promise<StoredObject | undefined> {
    return this.#objects.get(keyOf(ref));
  }

  async list(kind: Kind): Promise<ObjectList> {
    const items = [...this.#objects.values()].filter((object) => object.kind === kind);
    items.sort((a, b) => (keyOf(refOf(a)) < keyOf(refOf(b)) ? -1 : 1));
    return { items, resourceVersion: String(this.#revision) };
  }

  /** Calls `onEvent` for every later change, in order, until the returned function is called. */
  async watch(kind: Kind, resourceVersion: string, onEvent: (event: WatchEvent) => void): Promise<() => void> {
    return this.#journal.follow(kind, Number(resourceVersion), onEvent);
  }

  async apply(object: ApiObject): Promise<StoredObject> {
    const ref = checkedRef(object);
    const found = this.#objects.get(keyOf(ref));
    refuseOutdated(object, found);
    const content = withoutServerFields(object);
    if (found === undefined) {
      const metadata = { ...content.metadata, uid: object.metadata.uid ?? this.#nextUid(), generation: 1 };
      const created = { ...content, metadata: { ...metadata, creationTimestamp: this.#clock.now() } };
      return this.#store("create", "added", created);
    }
    const { finalizers, uid, generation, creationTimestamp, deletionTimestamp } = found.metadata;
    const { finalizers: _given, ...given } = content.metadata;
    const kept = withDefined({ finalizers, uid, generation, creationTimestamp, deletionTimestamp });
    const next = { ...content, ...withDefined({ status: found.status }), metadata: { ...given, ...kept } };
    const written =
      kinds[object.kind].statusSubresource || object.status === undefined ? next : { ...next, status: object.status };
    return this.#update("update", found, written);
  }

  async applyStatus(ref: ObjectRef, status: unknown): Promise<StoredObject> {
    return this.#update("status", this.#found(ref), { ...this.#found(ref), status });
  }

  async finalize(ref: ObjectRef, finalizer: string, present: boolean): Promise<StoredObject | undefined> {
    const found = this.#found(ref);
    const { finalizers = [], ...metadata } = found.metadata;
    if (finalizers.includes(finalizer) === present) return found;
    const left = present ? [...finalizers, finalizer] : finalizers.filter((other) => other !== finalizer);
    const next = { ...found, metadata: left.length > 0 ? { ...metadata, finalizers: left } : metadata };
    if (left.length > 0 || metadata.deletionTimestamp === undefined) return this.#update("finalize", found, next);
    this.#remove(next);
    return undefined;
  }

  async delete(ref: ObjectRef, uid?: string): Promise<void> {
    const found = this.#found(ref);
    if (uid !== undefined && uid !== found.metadata.uid)
      throw new ApiError("Conflict", `${describeRef(ref)}: metadata.uid ${uid} is not current; read the object again`);
    if (found.metadata.deletionTimestamp !== undefined) return;
    if ((found.metadata.finalizers ?? []).length === 0) return this.#remove(found);
    const metadata = { ...found.metadata, deletionTimestamp: this.#clock.now() };
    this.#store("mark-deleted", "modified", {
      ...found,
      metadata: { ...metadata, generation: metadata.generation + 1 },
    });
  }

  #found(ref: ObjectRef): StoredObject {
    const found = this.#objects.get(keyOf(ref));
    if (found === undefined) throw new ApiError("NotFound", `${describeRef(ref)} does not exist; create it first`);
    return found;
  }

  #update(verb: Write["verb"], found: StoredObject, next: Unversioned): StoredObject {
    const unversioned = { ...next, metadata: { ...next.metadata, resourceVersion: found.metadata.resourceVersion } };
    if (same(found, unversioned)) return found;
    const changed = verb === "update" && !same(contentOf(found), contentOf(unversioned));
    const generation = found.metadata.generation + (changed ? 1 : 0);
    return this.#store(verb, "modified", { ...unversioned, metadata: { ...unversioned.metadata, generation } });
  }

  #store(verb: Write["verb"], type: "added" | "modified", object: Unversioned): StoredObject {
    this.#revision += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#revision) };
    const stored = frozen(structuredClone({ ...object, metadata }));
    this.#objects.set(keyOf(refOf(stored)), stored);
    this.#writes.push({ verb, ref: refOf(stored) });
    this.#journal.add(this.#revision, { type, object: stored });
    return stored;
  }

  #remove(object: StoredObject): void {
    this.#revision += 1;
    this.#objects.delete(keyOf(refOf(object)));
    this.#writes.push({ verb: "delete", ref: refOf(object) });
    const metadata = { ...object.metadata, resourceVersion: String(this.#revision) };
    this.#journal.add(this.#revision, { type: "deleted", object: frozen({ ...object, metadata }) });
  }

  #nextUid(): string {
    this.#uids += 1;
    return `00000000-0000-4000-8000-${this.#uids.toString(16).padStart(12, "0")}`;
  }
}

type Unversioned = ApiObject & { readonly metadata: Omit<StoredObject["metadata"], "resourceVersion"> };

const keyOf = ({ kind, namespace, name }: ObjectRef): string => `${kind}/${namespace ?? ""}/${name}`;

function refuseOutdated({ kind, metadata }: ApiObject, found: StoredObject | undefined): void {
  for (const field of ["resourceVersion", "uid"] as const) {
    const expected = metadata[field];
    if (expected === undefined || expected === found?.metadata[field] || (field === "uid" && found === undefined))
      continue;
    const ref = describeRef(refOf({ apiVersion: "", kind, metadata }));
    throw new ApiError("Conflict", `${ref}: metadata.${field} ${expected} is not current; read the object again`);
  }
}

const contentOf = ({ metadata: _metadata, status: _status, ...content }: ApiObject): unknown => content;

/** The fields that are defined, as optional ones. */
function withDefined<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}
