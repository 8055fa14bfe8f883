import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { root } from "./project-files.ts";

/** Nested deeper than the limit of complexity allows. */
const tangle = `export function tangle(n: number): number {
  ${"if (n > 1) { for (const x of [n]) { ".repeat(4)} return 1; ${"} }".repeat(4)}
  return 0;
}`;

/** One offence each: the rule that must name it, and where it would stand. */
const offences = [
  { rule: "noFloatingPromises", path: "lab/a.ts", text: "async function f(): Promise<void> {}\nf();\n" },
  {
    rule: "useExhaustiveSwitchCases",
    path: "lab/b.ts",
    text: 'export function f(k: "a" | "b"): void {\n  switch (k) {\n    case "a":\n      break;\n  }\n}\n',
  },
  { rule: "noExcessiveCognitiveComplexity", path: "lab/c.ts", text: tangle },
  { rule: "noExplicitAny", path: "lab/d.ts", text: "export const x: any = 1;\n" },
  { rule: "no clock and no chance", path: "semantics/a.ts", text: "export const t = Date.now();\n" },
  { rule: "no clock and no chance", path: "semantics/b.ts", text: "export const t = Math.random();\n" },
  { rule: "no clock and no chance", path: "semantics/c.ts", text: "export const t = new Date();\n" },
] as const;

/** Says nothing: the ban holds in semantics alone. */
const innocent = { path: "lab/e.ts", text: "export const t = Date.now();\n" };

/** What Biome says of these files under the project's own configuration. */
function lint(files: readonly { readonly path: string; readonly text: string }[]): string {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-lint-"));
  try {
    for (const name of ["biome.json", "checks"]) cpSync(join(root, name), join(folder, name), { recursive: true });
    for (const { path, text } of files) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const options = ["lint", "--max-diagnostics=none", "--reporter=github", "lab", "semantics"];
    const result = spawnSync(join(root, "node_modules/.bin/biome"), options, { cwd: folder, encoding: "utf8" });
    return result.stdout + result.stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the linter's rules fire", () => {
  const said = lint([...offences, innocent]).split("\n");
  for (const { rule, path } of offences) {
    test(`${rule} in ${path}`, () => {
      assert.ok(
        said.some((line) => line.includes(path) && line.includes(rule)),
        said.join("\n"),
      );
    });
  }
  test("a clock outside semantics is nobody's business", () => {
    assert.deepEqual(
      said.filter((line) => line.includes(innocent.path)),
      [],
    );
  });
});
