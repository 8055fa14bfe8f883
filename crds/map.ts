import { z } from "zod";
import { checked } from "./refusal.ts";

/** A map with a bound on its size; the bound also stands in the JSON schema. */
export function boundedMap<K extends z.ZodString, V extends z.ZodType>(key: K, value: V, max: number, doc: string) {
  return checked(z.record(key, value), (map, findings) => {
    const size = Object.keys(map as object).length;
    if (size > max)
      findings.refuse({ message: `has ${size} entries, at most ${max} are allowed`, remedy: "remove some" });
  }).meta({ description: doc, maxProperties: max });
}

/**
 * Metadata of a list whose entries differ in this field: the API server refuses a second one, and appliers own
 * entries, not the list.
 */
export function mapList(key: string) {
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] } as const;
}
