import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dependenciesAgree } from "./dependencies.mjs";
import { checkMachine, checkRights } from "./machine.mjs";
import { digestOf, objectIsCurrent } from "./object.mjs";
import { missingPackages } from "./packages.mjs";
import { Problem } from "./problem.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A folder of its own for one test. */
function withFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-setup-"));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a machine on which the tests run has all that the set-up looks for", () => {
  checkMachine();
  checkRights();
  assert.deepEqual(missingPackages(), []);
  assert.ok(dependenciesAgree(root));
});

test("who is not root is told so, and what to do", () => {
  assert.throws(
    () => checkMachine(1000),
    (error) => error instanceof Problem && /needs root\b/.test(error.message) && /sudo/.test(error.remedy),
  );
});

test("dependencies are installed anew when the lock file says something else", () => {
  withFolder((folder) => {
    const lock = (integrity: string) =>
      JSON.stringify({
        packages: { "": {}, "node_modules/a": { integrity }, "node_modules/b": { integrity: "x", optional: true } },
      });
    mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
    writeFileSync(join(folder, "node_modules/.bin/node"), "");
    writeFileSync(join(folder, "package-lock.json"), lock("one"));
    assert.equal(dependenciesAgree(folder), false);
    // npm leaves out what is for another platform.
    writeFileSync(
      join(folder, "node_modules/.package-lock.json"),
      JSON.stringify({ packages: { "node_modules/a": { integrity: "one" } } }),
    );
    assert.equal(dependenciesAgree(folder), true);
    writeFileSync(join(folder, "package-lock.json"), lock("two"));
    assert.equal(dependenciesAgree(folder), false);
  });
});

test("the programs are compiled again when a source changes, not when its date does", () => {
  withFolder((folder) => {
    cpSync(join(root, "datapath/bpf"), join(folder, "datapath/bpf"), { recursive: true });
    mkdirSync(join(folder, "build/bpf"), { recursive: true });
    assert.equal(objectIsCurrent(folder), false);
    writeFileSync(join(folder, "build/bpf/sallyport.bpf.o"), "");
    writeFileSync(join(folder, "build/bpf/sallyport.bpf.o.sources"), digestOf(folder));
    assert.equal(objectIsCurrent(folder), true);
    utimesSync(join(folder, "datapath/bpf/abi.h"), new Date(0), new Date(0));
    assert.equal(objectIsCurrent(folder), true);
    writeFileSync(join(folder, "datapath/bpf/abi.h"), "/* changed */\n");
    assert.equal(objectIsCurrent(folder), false);
  });
});
