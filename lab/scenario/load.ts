import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseScenarios } from "./parse.ts";
import type { Problem } from "./problems.ts";
import type { Scenario } from "./scenario.ts";

/** All scenarios of some files, and all that is wrong with them. */
export interface LoadedScenarios {
  readonly scenarios: readonly Scenario[];
  readonly problems: readonly Problem[];
}

const isScenarioFile = (name: string): boolean => /\.ya?ml$/.test(name);

/** Directories give the scenario files directly in them and below, by name; manifests live elsewhere. */
async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  const sorted = entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const nested = await Promise.all(
    sorted.map(async (entry) => {
      const child = join(path, entry.name);
      if (entry.isDirectory()) return filesOf(child);
      return isScenarioFile(entry.name) ? [child] : [];
    }),
  );
  return nested.flat();
}

function unreadable(file: string, error: unknown): Problem {
  const code = (error as NodeJS.ErrnoException).code;
  return {
    file,
    object: "file",
    field: "",
    message: code === "ENOENT" ? "does not exist" : `cannot be read (${code ?? String(error)})`,
    remedy: "name a scenario file or a directory of them",
  };
}

/** Reads scenario files and directories of them. */
export async function loadScenarios(paths: readonly string[]): Promise<LoadedScenarios> {
  const scenarios: Scenario[] = [];
  const problems: Problem[] = [];
  for (const path of paths) {
    try {
      for (const file of await filesOf(path)) {
        const parsed = await parseScenarios(file, await readFile(file, "utf8"));
        scenarios.push(...parsed.scenarios);
        problems.push(...parsed.problems);
      }
    } catch (error) {
      problems.push(unreadable(path, error));
    }
  }
  return { scenarios, problems };
}
