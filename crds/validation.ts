import { duplicateRules } from "./duplicates.ts";
import { explainIssues } from "./issue.ts";
import { type Kind, type KnownObject, kindOf, kinds } from "./kinds.ts";
import { fieldOf, type PathPart, type Problem, valueAt } from "./problem.ts";
import type { PlacedRefusal } from "./refusal.ts";
import { meant } from "./spelling.ts";

/** Where an object was read from. */
export interface Origin {
  readonly file?: string;
  /** Line of a field of the object, or of the nearest thing around it; undefined when unknown. */
  readonly lineOf?: (path: readonly PathPart[]) => number | undefined;
  /** Name of an object that has none, as `document 2`. */
  readonly fallbackName?: string;
}

/** The object, parsed, or everything that is wrong with it. */
export type Validation =
  | { readonly ok: true; readonly object: KnownObject }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function kindRefusals(value: unknown): readonly PlacedRefusal[] {
  const name = valueAt(value, ["kind"]);
  if (typeof name !== "string")
    return [
      {
        path: ["kind"],
        message: name === undefined ? "is missing" : "is not a name",
        remedy: `write one of ${Object.keys(kinds).join(", ")}`,
      },
    ];
  const likely = meant(name, Object.keys(kinds));
  const remedy = likely === undefined ? `known are ${Object.keys(kinds).join(", ")}` : `did you mean \`${likely}\`?`;
  return [{ path: ["kind"], message: "is not a kind that is known here", remedy }];
}

/** What to call the object in messages: `SecurityGroup default/web`. */
function nameObject(value: unknown, kind: Kind | undefined, origin: Origin): string {
  const fallback = origin.fallbackName ?? "object";
  const kindName = kind?.kind ?? valueAt(value, ["kind"]);
  if (typeof kindName !== "string") return fallback;
  const name = valueAt(value, ["metadata", "name"]);
  if (typeof name !== "string") return `${kindName} (${origin.fallbackName ?? "without a name"})`;
  if (kind?.namespaced !== true) return `${kindName} ${name}`;
  const namespace = valueAt(value, ["metadata", "namespace"]);
  return `${kindName} ${typeof namespace === "string" ? namespace : "default"}/${name}`;
}

function placed(refusal: PlacedRefusal, value: unknown, object: string, { file, lineOf }: Origin): Problem {
  const { path, message, remedy } = refusal;
  const line = lineOf?.(path);
  const there = valueAt(value, path);
  return {
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    object,
    field: fieldOf(path),
    ...(there === undefined ? {} : { value: there }),
    message,
    remedy,
  };
}

/**
 * Validates one object that was parsed from YAML or JSON already. Never throws: gives the object with defaults applied,
 * or all problems, in the order of their lines.
 */
export function validateObject(value: unknown, origin: Origin = {}): Validation {
  const refuse = (refusals: readonly PlacedRefusal[], kind?: Kind): Validation => {
    const object = nameObject(value, kind, origin);
    const problems = refusals.map((refusal) => placed(refusal, value, object, origin));
    return { ok: false, problems: problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
  };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse([{ path: [], message: "is not an object", remedy: "write apiVersion, kind, metadata and spec" }]);
  const kindName = valueAt(value, ["kind"]);
  const kind = typeof kindName === "string" ? kindOf(kindName) : undefined;
  if (!kind) return refuse(kindRefusals(value));
  const parsed = kind.schema.safeParse(value);
  const issues = parsed.error ? explainIssues(kind.schema, value, parsed.error.issues) : [];
  const refusals = [...issues, ...(kind.kind === "SecurityGroup" ? duplicateRules(value) : [])];
  return parsed.success && refusals.length === 0 ? { ok: true, object: parsed.data } : refuse(refusals, kind);
}
