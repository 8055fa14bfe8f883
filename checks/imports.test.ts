import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { projectFiles } from "./project-files.ts";

/** Which rooms a room may import from, beside itself (ARCHITECTURE.md, "Layers"). */
const allowed: Readonly<Record<string, readonly string[]>> = {
  semantics: [],
  crds: ["semantics"],
  operator: ["semantics", "crds"],
  datapath: ["semantics", "crds"],
  lab: ["semantics", "crds", "operator", "datapath"],
  cli: ["semantics", "crds", "operator", "datapath", "lab"],
  e2e: ["semantics", "crds", "operator", "datapath", "lab", "cli"],
  bench: ["semantics", "crds", "operator", "datapath", "lab", "e2e"],
  checks: [],
  setup: [],
};

/** Module names in `from "…"`, `import "…"` and `import("…")`. */
const importPattern = /(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g;

const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.includes("/test/");

/** Every import of the project's code, relative ones as paths from the root. */
function imports(): readonly { readonly path: string; readonly target: string; readonly relative: boolean }[] {
  return projectFiles(/\.(ts|mjs)$/).flatMap(({ path, text }) =>
    [...text.matchAll(importPattern)].map(([, name = ""]) => {
      const relative = name.startsWith(".");
      return { path, relative, target: relative ? posix.join(posix.dirname(path), name) : name };
    }),
  );
}

const room = (path: string): string => path.split("/", 1)[0] ?? "";

test("imports go one way, from the outer rooms to the inner ones", () => {
  const wrong = imports()
    .filter(({ path, relative }) => relative && !isTest(path))
    .filter(({ path, target }) => room(path) !== room(target) && !allowed[room(path)]?.includes(room(target)))
    .map(({ path, target }) => `${path} imports ${target}`);
  assert.deepEqual(wrong, []);
});

test("semantics imports nothing that does I/O", () => {
  // ip-num parses addresses: no I/O in it.
  const pure: ReadonlySet<string> = new Set(["ip-num"]);
  const wrong = imports()
    .filter(
      ({ path, target, relative }) => room(path) === "semantics" && !isTest(path) && !relative && !pure.has(target),
    )
    .map(({ path, target }) => `${path} imports ${target}`);
  assert.deepEqual(wrong, []);
});

test("every folder with code has its row in the table of rooms", () => {
  const rooms = new Set(projectFiles(/^[^/]+\/.*\.(ts|mjs)$/).map(({ path }) => room(path)));
  assert.deepEqual(
    [...rooms].filter((name) => allowed[name] === undefined),
    [],
  );
});
