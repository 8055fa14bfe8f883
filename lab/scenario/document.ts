import type { PathPart } from "../../crds/problem.ts";
import type { YamlDocument } from "../../crds/yaml.ts";

/** A place in a document: field names and list indexes. */
export type Path = readonly PathPart[];

/** One YAML document of a file, with the line of each of its fields. */
export interface SourceDocument {
  readonly file: string;
  readonly value: unknown;
  /** Line, from 1, of the field at `path`, or of the nearest place around it. */
  line(path: Path): number;
}

/** A document of that file. */
export function sourceDocument(file: string, { value, lineOf }: YamlDocument): SourceDocument {
  return { file, value, line: (path) => lineOf(path) ?? 1 };
}
