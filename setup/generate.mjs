/**
 * Writes all generated files anew, each by the generator beside it. With `--check` they only compare, and this exits 1
 * when one of them finds a difference.
 */
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const generators = ["datapath/agent/generate-abi.ts", "crds/definition/generate.ts", "operator/rbac/generate.ts"];

const codes = generators.map(
  (generator) =>
    spawnSync(process.execPath, [generator, ...process.argv.slice(2)], { cwd: root, stdio: "inherit" }).status ?? 1,
);
process.exitCode = Math.max(...codes);
