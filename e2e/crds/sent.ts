import { type Case, type corpusKinds, objectOf } from "../../crds/corpus/cases.ts";
import { kinds } from "../../crds/kinds.ts";
import type { WrittenObject } from "./server.ts";

/** What the API server adds when it stops at wrong types and missing fields, before the rules in CEL. */
export const stoppedEarly = "some validation rules were not checked";

/** Fields that a manifest read back from a cluster has, and that nobody may write. */
const serverFields: ReadonlySet<string> = new Set([
  "uid",
  "resourceVersion",
  "generation",
  "managedFields",
  "creationTimestamp",
]);

/** The object of a case as a client may send it. One in a namespace goes into `default`: no rule depends on its name. */
export function sentObject(kind: (typeof corpusKinds)[number], entry: Case): WrittenObject {
  const { metadata = { name: "case" } } = entry;
  const dropped = (field: string) => serverFields.has(field) || (field === "namespace" && kinds[kind].namespaced);
  const kept = Object.fromEntries(Object.entries(metadata).filter(([field]) => !dropped(field)));
  return objectOf(kind, { ...entry, metadata: kept }) as WrittenObject;
}
