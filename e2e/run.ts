/** The command behind `npm run e2e`: runs the tests in the named folders of `e2e`, or in all of them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Folders of `e2e` that have tests. */
function suites(): readonly string[] {
  const files = readdirSync(new URL(".", import.meta.url), { recursive: true, encoding: "utf8" });
  const tests = files.filter((path) => path.endsWith(".test.ts") && path.includes("/"));
  return [...new Set(tests.map((path) => path.split("/", 1)[0] ?? ""))].sort();
}

async function run(names: readonly string[]): Promise<number> {
  const known = suites();
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`e2e: there is no suite ${unknown.join(", ")}; the suites are ${known.join(", ")}\n`);
    return 2;
  }
  const chosen = names.length > 0 ? names : known;
  // One file at a time: each may start a control plane of its own.
  const options = ["--test", "--test-concurrency=1"];
  const child = spawn(process.execPath, [...options, ...chosen.map((name) => `e2e/${name}/**/*.test.ts`)], {
    cwd: root,
    stdio: "inherit",
  });
  // Ctrl-C reaches the tests too: they stop what they started, and only then does this end.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

process.exitCode = await run(process.argv.slice(2));
