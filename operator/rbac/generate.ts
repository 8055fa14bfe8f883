/** Writes the manifests of `rbac/` from its tables; with `--check` compares them, exit code 1 when they differ. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { rbacManifests } from "./manifests.ts";

const folder = fileURLToPath(new URL("generated", import.meta.url));

function run(checkOnly: boolean): number {
  mkdirSync(folder, { recursive: true });
  const outdated = [...rbacManifests()]
    .map(([name, manifests]) => {
      const options = { lineWidth: 120, version: "1.1", aliasDuplicateObjects: false } as const;
      const documents = manifests.map((manifest) => stringify(manifest, options));
      const text = `# Generated from operator/rbac (npm run generate); do not edit.\n${documents.join("---\n")}`;
      return { path: join(folder, name), name, text };
    })
    .filter(({ path, text }) => !existsSync(path) || readFileSync(path, "utf8") !== text);
  if (checkOnly && outdated.length > 0) {
    const names = outdated.map(({ name }) => name).join(", ");
    process.stderr.write(`operator/rbac/generated does not agree with its tables: npm run generate (${names})\n`);
    return 1;
  }
  for (const { path, text } of outdated) writeFileSync(path, text);
  return 0;
}

process.exitCode = run(process.argv.includes("--check"));
