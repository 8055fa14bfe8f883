import { withoutServerFields } from "../memory/content.ts";
import {
  ApiError,
  type ApiObject,
  type ApiPort,
  checkedRef,
  describeRef,
  type Kind,
  kinds,
  type ObjectList,
  type ObjectRef,
  type StoredObject,
} from "../ports.ts";
import { same } from "../same.ts";
import type { KubeClient, RequestOptions } from "./client.ts";
import { KubeFailure } from "./failure.ts";
import { fieldManager } from "./identity.ts";
import { listObjects } from "./list.ts";
import type { KubeRequest } from "./ports.ts";
import { objectPath, query } from "./resources.ts";
import { trim } from "./trim.ts";

/** Attempts to change finalizers that somebody else changes too. */
const finalizerAttempts = 5;

const applyPatch = "application/apply-patch+yaml";
const mergePatch = "application/merge-patch+json";

/** Server-side apply takes over fields that others have written: what is compiled has one author. */
const applyQuery = query({ fieldManager, force: "true", fieldValidation: "Strict" });

/** A real API server behind the port. What is refused for other reasons than the port names is an `ApiError` too. */
export class KubeApi implements ApiPort {
  readonly #client: KubeClient;
  readonly #signalOf: () => AbortSignal | undefined;

  /** `signalOf` gives what cuts off a request that is begun now. */
  constructor(client: KubeClient, signalOf: () => AbortSignal | undefined = () => undefined) {
    this.#client = client;
    this.#signalOf = signalOf;
  }

  async get(ref: ObjectRef): Promise<StoredObject | undefined> {
    try {
      return trim(ref.kind, await this.#request("GET", objectPath(ref)));
    } catch (error) {
      if (error instanceof KubeFailure && error.status === 404) return undefined;
      throw named(ref, error);
    }
  }

  async list(kind: Kind): Promise<ObjectList> {
    return listObjects(this.#client, kind);
  }

  async apply(object: ApiObject): Promise<StoredObject> {
    const ref = checkedRef(object);
    const { uid, resourceVersion } = object.metadata;
    const { metadata, ...content } = withoutServerFields(object);
    const { finalizers: _kept, ...given } = metadata;
    const expected = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    const body = { ...content, metadata: { ...given, ...expected } };
    try {
      const sent = await this.#request("PATCH", `${objectPath(ref)}${applyQuery}`, {
        body,
        contentType: applyPatch,
      });
      const stored = trim(ref.kind, sent);
      return isForeign(stored, object) ? await this.#replace(ref, stored, body) : stored;
    } catch (error) {
      throw named(ref, error);
    }
  }

  async applyStatus(ref: ObjectRef, status: unknown): Promise<StoredObject> {
    const { kind, ...metadata } = ref;
    const body = { apiVersion: kinds[kind].apiVersion, kind, metadata, status };
    const path = `${objectPath(ref)}/status${applyQuery}`;
    try {
      return trim(kind, await this.#request("PATCH", path, { body, contentType: applyPatch }));
    } catch (error) {
      throw named(ref, error);
    }
  }

  async finalize(ref: ObjectRef, finalizer: string, present: boolean): Promise<StoredObject | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.get(ref);
      if (found === undefined) throw missing(ref);
      if ((found.metadata.finalizers ?? []).includes(finalizer) === present) return found;
      try {
        return await this.#writeFinalizers(ref, found, finalizer, present);
      } catch (error) {
        const outdated = error instanceof KubeFailure && error.status === 409;
        if (!outdated || attempt === finalizerAttempts) throw named(ref, error);
      }
    }
  }

  async #writeFinalizers(
    ref: ObjectRef,
    { metadata }: StoredObject,
    finalizer: string,
    present: boolean,
  ): Promise<StoredObject | undefined> {
    const { finalizers = [], resourceVersion, deletionTimestamp } = metadata;
    const left = present ? [...finalizers, finalizer] : finalizers.filter((other) => other !== finalizer);
    const sent = await this.#request("PATCH", `${objectPath(ref)}${query({ fieldManager })}`, {
      body: { metadata: { resourceVersion, finalizers: left } },
      contentType: mergePatch,
    });
    return left.length === 0 && deletionTimestamp !== undefined ? undefined : trim(ref.kind, sent);
  }

  async delete(ref: ObjectRef, uid?: string): Promise<void> {
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: "Background",
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    try {
      await this.#request("DELETE", objectPath(ref), { body });
    } catch (error) {
      throw named(ref, error);
    }
  }

  #request(method: KubeRequest["method"], path: string, options: RequestOptions = {}): Promise<unknown> {
    const signal = this.#signalOf();
    return this.#client.request(method, path, { ...options, ...(signal ? { signal } : {}) });
  }

  /** Fields and labels that another manager added are not taken away by applying: the whole object is. */
  async #replace(ref: ObjectRef, stored: StoredObject, body: ApiObject): Promise<StoredObject> {
    const { resourceVersion } = stored.metadata;
    const whole = { ...body, metadata: { ...body.metadata, resourceVersion } };
    const path = `${objectPath(ref)}${query({ fieldManager, fieldValidation: "Strict" })}`;
    return trim(ref.kind, await this.#request("PUT", path, { body: whole }));
  }
}

/** Kinds that nobody but the operator writes, whose schemas add nothing to what is written. */
const compiledKinds: ReadonlySet<Kind> = new Set(["RuleSet", "AddressSet", "NodePolicy", "NodeConfig"]);

/** Whether a compiled object holds more than what was applied. */
function isForeign(stored: StoredObject, applied: ApiObject): boolean {
  if (!compiledKinds.has(applied.kind)) return false;
  return !same(stored.spec, applied.spec) || !same(stored.metadata.labels ?? {}, applied.metadata.labels ?? {});
}

const missing = (ref: ObjectRef): ApiError =>
  new ApiError("NotFound", `${describeRef(ref)} does not exist; create it first`);

/** The refusal as the port has it. What the network said stays as it is. */
function named(ref: ObjectRef, error: unknown): unknown {
  if (!(error instanceof KubeFailure)) return error;
  const { status, message } = error;
  const described = `${describeRef(ref)}: ${message}`;
  const conflict = () => new ApiError("Conflict", `${described}; read the object again`, { cause: error });
  // An object of another uid is one that came again under its name; the server calls that an immutable field.
  if (status === 422 && /\bmetadata\.uid\b/.test(message)) return conflict();
  switch (status) {
    case 404:
      return missing(ref);
    case 409:
      return conflict();
    case 410:
      return new ApiError("Expired", `${described}; list again`, { cause: error });
    case 400:
    case 413:
    case 422:
      return new ApiError("Invalid", described, { cause: error });
    default:
      return error;
  }
}
