import type { KnownObject } from "./kinds.ts";
import { type PathPart, type Problem, valueAt } from "./problem.ts";
import { validateObject } from "./validation.ts";
import { readYaml } from "./yaml.ts";

export { formatProblem } from "./problem.ts";
export { validateObject } from "./validation.ts";

/** One object of a manifest file. */
interface Manifest {
  /** With defaults applied and rules normalised. */
  readonly object: KnownObject;
  /** As written: what would be sent to an API server. */
  readonly source: unknown;
  readonly file: string;
  /** Line on which the object begins, from 1. */
  readonly line: number;
}

/** All objects of a file, or everything that is wrong in it. */
export type ManifestReading =
  | { readonly ok: true; readonly manifests: readonly Manifest[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

interface Found {
  readonly value: unknown;
  readonly path: readonly PathPart[];
}

/** The objects of a document: itself, or the items of a `List` or `…List`. */
function objectsOf(value: unknown): readonly Found[] {
  const kind = valueAt(value, ["kind"]);
  const items = valueAt(value, ["items"]);
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) return [{ value, path: [] }];
  return items.map((item: unknown, index) => ({ value: item, path: ["items", index] }));
}

/**
 * Reads manifests from YAML or JSON: several documents, lists and empty documents as kubectl reads them.
 * @param file Name of the file, for messages.
 */
export function readManifests(text: string, file: string): ManifestReading {
  const yaml = readYaml(text, file);
  if (!yaml.ok) return yaml;
  const manifests: Manifest[] = [];
  const problems: Problem[] = [];
  for (const document of yaml.documents) {
    for (const { value, path } of objectsOf(document.value)) {
      const lineOf = (inner: readonly PathPart[]) => document.lineOf([...path, ...inner]);
      const fallbackName =
        path.length === 0 ? `document ${document.number}` : `item ${Number(path[1]) + 1} of the list`;
      const validation = validateObject(value, { file, lineOf, fallbackName });
      if (validation.ok) manifests.push({ object: validation.object, source: value, file, line: lineOf([]) ?? 1 });
      else problems.push(...validation.problems);
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, manifests };
}
