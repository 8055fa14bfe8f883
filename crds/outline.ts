import { z } from "zod";
import type { PathPart } from "./problem.ts";

const defOf = (schema: z.core.$ZodType) => (schema as z.core.$ZodTypes)._zod.def;

/** What a field of this schema is written as: defaults, transforms and the like taken off. */
function written(schema: z.core.$ZodType): z.core.$ZodType {
  const def = defOf(schema);
  switch (def.type) {
    case "pipe":
      return written(def.in);
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
      return written(def.innerType);
    default:
      return schema;
  }
}

function child(schema: z.core.$ZodType, part: PathPart): z.core.$ZodType | undefined {
  const def = defOf(written(schema));
  switch (def.type) {
    case "object":
      return def.shape[part];
    case "array":
      return def.element;
    case "record":
      return def.valueType;
    default:
      return undefined;
  }
}

/** The schema of the field at a path, undefined where the schema knows none. */
function schemaAt(schema: z.core.$ZodType, path: readonly PathPart[]): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = schema;
  for (const part of path) here = here && child(here, part);
  return here;
}

/** Names of the fields that an object at this path may have. */
export function fieldsAt(schema: z.core.$ZodType, path: readonly PathPart[]): readonly string[] {
  const found = schemaAt(schema, path);
  const def = found && defOf(written(found));
  return def?.type === "object" ? Object.keys(def.shape) : [];
}

/** Documentation of the field at this path. */
export function documentationAt(schema: z.core.$ZodType, path: readonly PathPart[]): string | undefined {
  let here = schemaAt(schema, path);
  while (here) {
    const description = z.globalRegistry.get(here)?.description;
    if (description !== undefined) return description;
    const def = defOf(here);
    here = def.type === "pipe" ? def.in : "innerType" in def ? def.innerType : undefined;
  }
  return undefined;
}
