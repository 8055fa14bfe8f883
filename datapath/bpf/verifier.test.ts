import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openBpf } from "../loader/open.ts";
import { enterSandbox, sandboxBpffs } from "../loader/test/sandbox.ts";

enterSandbox();
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
/** Also of other kernels; `npm run kernels` counts there. */
const table = "../../e2e/compat/kernels/verifier-budget.json";
const { budget } = JSON.parse(readFileSync(path(table), "utf8")) as { readonly budget: number };

test("no program takes the verifier of this machine's kernel more instructions than the budget", () => {
  const pinRoot = join(sandboxBpffs, "verifier");
  mkdirSync(pinRoot);
  const object = path("../../build/bpf/sallyport.bpf.o");
  const loaded = openBpf().load({ object, pinRoot, constants: {}, mapSizes: { connections: 1024 } });
  try {
    const counts = [...loaded.programs.values()].map(({ name, verifiedInstructions }) => [name, verifiedInstructions]);
    assert.ok(counts.length > 0);
    assert.deepEqual(
      counts.filter(([, count = 0]) => Number(count) > budget || Number(count) === 0),
      [],
    );
  } finally {
    loaded.close();
  }
});
