import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * A folder outside the checkout for what is made once on a machine. `name` carries the version of what is in it, so
 * that another version is another folder and nothing in one ever changes.
 */
export function cacheFolder(name: string): string {
  const base = process.env["XDG_CACHE_HOME"] ?? "";
  const folder = join(base === "" ? join(homedir(), ".cache") : base, "sallyport", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The first of these folders that holds a file of this name, as a path of the file. */
export function findIn(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Folders of the `PATH`. */
export function pathFolders(): readonly string[] {
  return (process.env["PATH"] ?? "").split(":").filter((folder) => folder !== "");
}
