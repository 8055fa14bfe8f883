import { type Document, LineCounter, parseAllDocuments, type YAMLError } from "yaml";
import { lineOf } from "./position.ts";
import type { PathPart, Problem } from "./problem.ts";

/** One YAML document as plain data, with the lines of its fields. */
export interface YamlDocument {
  /** From 1. */
  readonly number: number;
  readonly value: unknown;
  readonly lineOf: (path: readonly PathPart[]) => number | undefined;
}

/** All documents of a text, or what is wrong with its syntax. */
export type YamlReading =
  | { readonly ok: true; readonly documents: readonly YamlDocument[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function remedyFor(code: YAMLError["code"]): string {
  switch (code) {
    case "DUPLICATE_KEY":
      return "remove one of the two";
    case "TAB_AS_INDENT":
      return "indent with spaces";
    case "BAD_INDENT":
      return "align it with its neighbours";
    default:
      return "correct the YAML";
  }
}

const sentence = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);

function syntaxProblems(file: string, documents: readonly Document[], lines: LineCounter): readonly Problem[] {
  return documents.flatMap((document, index) =>
    document.errors.map((error) => ({
      file,
      line: lines.linePos(error.pos[0]).line,
      object: `document ${index + 1}`,
      field: "",
      message: `not valid YAML: ${sentence(error.message)}`,
      remedy: remedyFor(error.code),
    })),
  );
}

/**
 * Reads YAML as kubectl does: version 1.1 (`yes` is true, `010` is 8) with merge keys, but with neither dates nor
 * base 60, which Go's YAML does not know. Empty documents are left out.
 */
export function readYaml(text: string, file: string): YamlReading {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    version: "1.1",
    prettyErrors: false,
    lineCounter: lines,
    customTags: (tags) =>
      tags.filter(
        (tag) => typeof tag === "string" || (tag.tag !== "tag:yaml.org,2002:timestamp" && tag.format !== "TIME"),
      ),
  });
  const documents: readonly Document[] = "empty" in parsed ? [] : parsed;
  const problems = syntaxProblems(file, documents, lines);
  if (problems.length > 0) return { ok: false, problems };
  const read: YamlDocument[] = [];
  for (const [index, document] of documents.entries()) {
    try {
      const value: unknown = document.toJS();
      if (value === null || value === undefined) continue;
      read.push({ number: index + 1, value, lineOf: (path) => lineOf(document, lines, path) });
    } catch (error) {
      // Only aliases fail here: one without its anchor, or so many that the document would explode.
      const message = `not valid YAML: ${error instanceof Error ? sentence(error.message) : String(error)}`;
      const object = `document ${index + 1}`;
      return { ok: false, problems: [{ file, object, field: "", message, remedy: "write the value out" }] };
    }
  }
  return { ok: true, documents: read };
}
