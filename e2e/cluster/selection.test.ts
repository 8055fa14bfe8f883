import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { selectTests } from "../selection.ts";

const e2e = new URL("../", import.meta.url);
const files = readdirSync(e2e, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".test.ts"));

test("a name is a suite or the beginning of a file's path; without names everything runs", () => {
  assert.deepEqual(selectTests(files, [], false), { run: files, leftOut: [], unknown: [] });
  assert.deepEqual(selectTests(files, ["operator/lead"], false).run, ["operator/leader.test.ts"]);
  assert.ok(selectTests(files, ["crds"], false).run.every((file) => file.startsWith("crds/")));
  assert.deepEqual(selectTests(files, ["opera", "crds"], false).unknown, ["opera"]);
});

test("in the user's cluster runs what can, and of the rest is said why it does not", () => {
  const { run, leftOut } = selectTests(files, ["operator"], true);
  assert.ok(run.includes("operator/agent.test.ts"));
  assert.deepEqual(
    [...run, ...leftOut.map(({ file }) => file)].sort(),
    selectTests(files, ["operator"], false).run.toSorted(),
  );
});

test("a test that starts a control plane of its own is left out there, and every other one runs", () => {
  const { run, leftOut } = selectTests(files, [], true);
  const startsOne = (file: string): boolean =>
    /\b(startControlPlane|World\.start)\(/.test(readFileSync(new URL(file, e2e), "utf8"));
  assert.deepEqual(run.filter(startsOne), []);
  const suites = leftOut.filter(({ file }) => !file.startsWith("cluster/"));
  assert.deepEqual(
    suites.filter(({ file }) => !startsOne(file)),
    [],
  );
  assert.ok(leftOut.every(({ file, because }) => existsSync(new URL(file, e2e)) && because !== ""));
});
