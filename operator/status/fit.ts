import type { z } from "zod";
import { cutText } from "../cut.ts";

/** Longest text or list that these checks let pass. */
function mostOf(checks: readonly z.core.$ZodCheck<never>[] = []): number {
  const bounds = checks.map(({ _zod: { def } }) =>
    def.check === "max_length" ? (def as MaxLength).maximum : Infinity,
  );
  return Math.min(...bounds);
}

type MaxLength = z.core.$ZodCheckMaxLengthDef;

/**
 * What a schema takes of a value of its shape: texts and lists cut to the schema's own bounds. All statuses go through
 * here, so that none is refused for its size; no other place has to care.
 */
export function fit(schema: z.core.$ZodType, value: unknown): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(value as object).map(([name, field]) => {
          const inner = def.shape[name];
          return [name, inner === undefined ? field : fit(inner, field)];
        }),
      );
    case "array":
      return (value as readonly unknown[]).slice(0, mostOf(def.checks)).map((entry) => fit(def.element, entry));
    case "string":
      return cutText(value as string, mostOf(def.checks));
    default:
      return value;
  }
}
