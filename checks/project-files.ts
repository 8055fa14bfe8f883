import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folders that hold nothing a person wrote. */
const generatedFolders: ReadonlySet<string> = new Set([".git", ".cache", "build", "node_modules"]);

/** One file of the project, path and lines as a message would name them. */
export interface ProjectFile {
  /** From the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

/** All files of the project whose path matches, in the order of their paths. */
export function projectFiles(pattern: RegExp): readonly ProjectFile[] {
  return walk(root)
    .map((path) => relative(root, path))
    .filter((path) => pattern.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

function walk(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return generatedFolders.has(entry.name) ? [] : walk(path);
    return entry.isFile() ? [path] : [];
  });
}

/** `path:line: what` for every match of the pattern in the files. */
export function occurrences(files: readonly ProjectFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => {
      const found = pattern.exec(line);
      return found === null ? [] : [`${path}:${index + 1}: ${found[0].trim()}`];
    }),
  );
}
