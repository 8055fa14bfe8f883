/**
 * Writes the CustomResourceDefinitions that the zod schemas mean into `crds/generated`, one file for each kind. With
 * `--check` it only compares, and exits 1.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { type Definition, definitions } from "./definition.ts";

const folder = fileURLToPath(new URL("../generated", import.meta.url));

/** `securitygroups.sallyport.dev` to `sallyport.dev_securitygroups.yaml`, as other projects name theirs. */
function fileName({ metadata: { name } }: Definition): string {
  const [plural = "", ...group] = name.split(".");
  return `${group.join(".")}_${plural}.yaml`;
}

function render(definition: Definition): string {
  const yaml = stringify(definition, { lineWidth: 120, aliasDuplicateObjects: false, version: "1.1" });
  return `# Generated from the schemas in crds/ (npm run generate); do not edit.\n${yaml}`;
}

/** Exit code of the command. */
function run(checkOnly: boolean): number {
  const wanted = new Map(definitions().map((definition) => [fileName(definition), render(definition)]));
  mkdirSync(folder, { recursive: true });
  const there = readdirSync(folder);
  const outdated = [...wanted].filter(
    ([name, text]) => !there.includes(name) || readFileSync(join(folder, name), "utf8") !== text,
  );
  const stray = there.filter((name) => !wanted.has(name));
  if (checkOnly) {
    const names = [...outdated.map(([name]) => name), ...stray];
    if (names.length === 0) return 0;
    process.stderr.write(`crds/generated does not agree with the schemas: npm run generate (${names.join(", ")})\n`);
    return 1;
  }
  for (const [name, text] of outdated) writeFileSync(join(folder, name), text);
  for (const name of stray) rmSync(join(folder, name));
  return 0;
}

process.exitCode = run(process.argv.includes("--check"));
