import { spawnSync } from "node:child_process";
import { KernelProblem } from "./problem.ts";

/** What a module or a kernel image may be, unpacked. */
const mostOutput = 512 * 1024 * 1024;

/** Runs a command to its end and returns its standard output; `package_` is the Debian package that has it. */
export function output(command: string, args: readonly string[], package_: string, cwd?: string): Buffer {
  const result = spawnSync(command, args, { cwd, maxBuffer: mostOutput, stdio: ["ignore", "pipe", "pipe"] });
  if (result.error !== undefined)
    throw new KernelProblem(`${command} can't be run`, `install the Debian package ${package_}`, {
      cause: result.error,
    });
  if (result.status !== 0)
    throw new KernelProblem(
      `${command} ${args.join(" ")} failed: ${result.stderr.toString().trim()}`,
      "see what it says; apt-get update brings the lists of packages up to date",
    );
  return result.stdout;
}
