/**
 * Brings a fresh Debian machine to where `npm test` and `npm run demo` work: runs before them, needs nothing but
 * Node 18 and npm, and does only what is not done yet. Exits 2 with what and how when something can't be had.
 *
 * Options: `--checks` also installs what `.ci/run` needs, `--e2e` what `npm run e2e` needs, `--kernels` what `npm run
 * kernels` needs; `--quiet` says nothing when there is nothing to do.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { dependenciesAgree, installDependencies } from "./dependencies.mjs";
import { checkMachine, checkRights } from "./machine.mjs";
import { buildObject, objectIsCurrent } from "./object.mjs";
import { installPackages, missingPackages } from "./packages.mjs";
import { Problem } from "./problem.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {{ checks: boolean, endToEnd: boolean, kernels: boolean, quiet: boolean }} options */
function setUp(options) {
  checkMachine();
  const missing = missingPackages(options);
  let steps = 0;
  /** @type {(name: string, work: () => void) => void} */
  const step = (name, work) => {
    const start = performance.now();
    process.stdout.write(`setup: ${name} … `);
    try {
      work();
    } catch (error) {
      process.stdout.write("failed\n");
      throw error;
    }
    process.stdout.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
    steps += 1;
  };
  if (missing.length > 0) step(`Debian packages ${missing.join(", ")}`, () => installPackages(missing));
  checkRights();
  if (!dependenciesAgree(root)) step("npm ci", () => installDependencies(root));
  if (!objectIsCurrent(root)) step("compiling the eBPF programs", () => buildObject(root));
  if (steps === 0 && !options.quiet) process.stdout.write("setup: everything is in place\n");
}

try {
  const given = (/** @type {string} */ option) => process.argv.includes(option);
  setUp({
    checks: given("--checks"),
    endToEnd: given("--e2e"),
    kernels: given("--kernels"),
    quiet: given("--quiet"),
  });
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`setup: ${error.message}\n       ${error.remedy}\n`);
  process.exitCode = 2;
}
