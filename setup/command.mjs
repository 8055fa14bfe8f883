import { spawnSync } from "node:child_process";

/** Lines of a failed command's output that are worth showing: the end is where the reason stands. */
const shownLines = 15;

/**
 * Runs a command to its end and keeps its output off the terminal.
 *
 * @param {string} name
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Readonly<Record<string, string>> }} [options] `env` is added to the process's own
 * @returns {{ ok: boolean, stdout: string, output: string }} `output` is the end of what it said, for messages
 */
export function run(name, args, options = {}) {
  const result = spawnSync(name, [...args], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  const said = result.error === undefined ? `${result.stdout}${result.stderr}` : result.error.message;
  return {
    ok: result.status === 0,
    stdout: result.stdout ?? "",
    output: said.trim().split("\n").slice(-shownLines).join("\n"),
  };
}
