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
