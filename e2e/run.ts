/**
 * The command behind `npm run e2e`: runs the tests in the named folders of `e2e`, or in all of them. In the cluster of
 * `KUBECONFIG`, if that is set, it runs those that can run there, and says which it leaves out.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { selectTests } from "./selection.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Test files in the folders of `e2e`. */
function testFiles(): readonly string[] {
  const files = readdirSync(new URL(".", import.meta.url), { recursive: true, encoding: "utf8" });
  return files.filter((path) => path.endsWith(".test.ts") && path.includes("/")).sort();
}

async function run(names: readonly string[]): Promise<number> {
  const files = testFiles();
  const userCluster = (process.env["KUBECONFIG"] ?? "") !== "";
  const { run, leftOut, unknown } = selectTests(files, names, userCluster);
  if (unknown.length > 0) {
    const suites = [...new Set(files.map((path) => path.split("/", 1)[0]))];
    process.stderr.write(`e2e: there is no suite ${unknown.join(", ")}; the suites are ${suites.join(", ")}\n`);
    return 2;
  }
  for (const { file, because } of leftOut)
    process.stderr.write(`e2e: left out, as KUBECONFIG names a cluster: ${file}, because ${because}\n`);
  if (run.length === 0) {
    process.stderr.write("e2e: nothing is left to run; unset KUBECONFIG for control planes of the tests' own\n");
    return 2;
  }
  // One file at a time: each may start a control plane of its own.
  const options = ["--test", "--test-concurrency=1"];
  const child = spawn(process.execPath, [...options, ...run.map((file) => `e2e/${file}`)], {
    cwd: root,
    stdio: "inherit",
  });
  // Ctrl-C reaches the tests too: they stop what they started, and only then does this end.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

process.exitCode = await run(process.argv.slice(2));
