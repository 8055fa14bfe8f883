import { type ApiObject, type ApiPort, describeRef, type ObjectRef, refOf } from "../../operator/ports.ts";

/**
 * An API that is only read: a write fails, and says what was to be written. Who reconciles over it without a failure has
 * nothing left to do.
 */
export function readOnly(api: Pick<ApiPort, "get" | "list">): ApiPort {
  const refuse = (what: string, ref: ObjectRef): never => {
    throw new Error(`left to do: ${what} ${describeRef(ref)}`);
  };
  return {
    get: (ref) => api.get(ref),
    list: (kind) => api.list(kind),
    apply: async (object: ApiObject) => refuse("write", refOf(object)),
    applyStatus: async (ref) => refuse("write the status of", ref),
    finalize: async (ref) => refuse("write the finalizers of", ref),
    delete: async (ref) => refuse("delete", ref),
  };
}
