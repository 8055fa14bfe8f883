import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import type { KnownObject } from "../../crds/kinds.ts";
import { readManifests } from "../../crds/manifest.ts";
import { validateObject } from "../../crds/validation.ts";
import type { Path, SourceDocument } from "./document.ts";
import { type Problem, problemOf } from "./problems.ts";

/** One object that a scenario applies. */
export interface Manifest {
  /** `SecurityGroup default/web`. */
  readonly title: string;
  /** With defaults applied and rules normalised. */
  readonly object: KnownObject;
  /** As written. */
  readonly source: unknown;
}

/** Manifests that were read, and what is wrong with the others. */
export interface ReadManifests {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Problem[];
}

function manifest(object: KnownObject, source: unknown): Manifest {
  const metadata: { name: string; namespace?: string } = object.metadata;
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return { title: `${object.kind} ${name}`, object, source };
}

function isFileReference(value: unknown): value is { file: unknown } {
  return typeof value === "object" && value !== null && "file" in value && !("kind" in value);
}

async function readReferenced(value: { file: unknown }, path: Path, document: SourceDocument): Promise<ReadManifests> {
  const refused = (field: string, message: string, remedy: string): ReadManifests => ({
    manifests: [],
    problems: [problemOf({ path: [...path, field], message, remedy }, document, "file of manifests")],
  });
  const extra = Object.keys(value).find((key) => key !== "file");
  if (extra !== undefined) return refused(extra, "stands beside file", "remove it; {file: path} is all");
  const { file } = value;
  if (typeof file !== "string" || file === "")
    return refused("file", "is no path", "give a path relative to this file");
  const full = isAbsolute(file) ? file : join(dirname(document.file), file);
  let text: string;
  try {
    text = await readFile(full, "utf8");
  } catch (error) {
    return refused(
      "file",
      `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      "give a path relative to this file",
    );
  }
  const reading = readManifests(text, full);
  if (!reading.ok) return { manifests: [], problems: reading.problems };
  return { manifests: reading.manifests.map((one) => manifest(one.object, one.source)), problems: [] };
}

function readInline(value: unknown, path: Path, document: SourceDocument): ReadManifests {
  const lineOf = (inner: Path): number => document.line([...path, ...inner]);
  const validation = validateObject(value, { file: document.file, lineOf, fallbackName: "manifest" });
  if (!validation.ok) return { manifests: [], problems: validation.problems };
  return { manifests: [manifest(validation.object, value)], problems: [] };
}

/** Reads what stands at `path`: a manifest, `{file: path}`, or a list of these. */
export async function readManifestsAt(value: unknown, path: Path, document: SourceDocument): Promise<ReadManifests> {
  if (Array.isArray(value)) {
    const parts = await Promise.all(
      value.map((entry: unknown, index) => readManifestsAt(entry, [...path, index], document)),
    );
    return { manifests: parts.flatMap((part) => part.manifests), problems: parts.flatMap((part) => part.problems) };
  }
  return isFileReference(value) ? readReferenced(value, path, document) : readInline(value, path, document);
}
