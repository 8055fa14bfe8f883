import type { z } from "zod";
import { explainIssues } from "../../crds/issue.ts";
import { fieldOf, type Problem, valueAt } from "../../crds/problem.ts";
import { meant } from "../../crds/spelling.ts";
import type { Path, SourceDocument } from "./document.ts";

export type { Problem };

/** What is wrong at one place of a document, before the place has a file and line. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly remedy: string;
}

/** The remedy for a name that is not among those known. */
export function instead(given: string, known: readonly string[]): string {
  const likely = meant(given, known);
  if (likely !== undefined) return `write \`${likely}\``;
  return known.length === 0 ? "there is none yet; make it in a step before" : `use one of ${known.join(", ")}`;
}

/** Reads `value`; what is wrong is added to `findings`, below `path`. */
export function readWith<T>(schema: z.ZodType<T>, value: unknown, path: Path, findings: Finding[]): T | undefined {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  for (const refusal of explainIssues(schema, value, result.error.issues)) {
    findings.push({ path: [...path, ...refusal.path], message: refusal.message, remedy: refusal.remedy });
  }
  return undefined;
}

/** A finding with its file, line and value. */
export function problemOf(finding: Finding, document: SourceDocument, object: string): Problem {
  const value = valueAt(document.value, finding.path);
  return {
    file: document.file,
    line: document.line(finding.path),
    object,
    field: fieldOf(finding.path),
    ...(value === undefined ? {} : { value }),
    message: finding.message,
    remedy: finding.remedy,
  };
}
