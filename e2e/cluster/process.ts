import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { ClusterProblem } from "./problem.ts";

/** How long a process may take to end when it is asked to. */
const graceMilliseconds = 5000;

/** Lines of a log that are shown when its process fails. */
const shownLines = 15;

/** One program of the cluster, with its output in a file. It dies with the process that made it, however that ends. */
export interface ClusterProcess {
  readonly name: string;
  readonly log: string;
  readonly pid: number | undefined;
  /** Starts it, or starts it again after it was stopped or killed. */
  start(): void;
  /** Ends it, by force when it does not go when asked. */
  stop(): Promise<void>;
  /** Ends it without a warning, as a crash would. */
  kill(): Promise<void>;
  /** Throws with the end of its log if it is not running. */
  check(): void;
}

/** How a process runs. */
export interface ProcessOptions {
  /** File that its output is added to. */
  readonly log: string;
  /** Added to this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A process that is not started yet. */
export function clusterProcess(
  name: string,
  path: string,
  args: readonly string[],
  { log, environment = {} }: ProcessOptions,
): ClusterProcess {
  let child: ChildProcess | undefined;
  const running = (): ChildProcess | undefined =>
    child?.exitCode === null && child.signalCode === null && child.pid !== undefined ? child : undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = running();
    if (!ending) return;
    const ended = once(ending, "exit");
    ending.kill(signal);
    const force = setTimeout(() => ending.kill("SIGKILL"), graceMilliseconds);
    await ended;
    clearTimeout(force);
  };
  return {
    name,
    log,
    get pid() {
      return running()?.pid;
    },
    start: () => {
      if (running()) return;
      const output = openSync(log, "a", 0o600);
      // Not even a SIGKILL of this process leaves a child behind. A group of its own keeps a terminal's Ctrl-C away
      // from it: the order of stopping is ours.
      child = spawn("setpriv", ["--pdeathsig", "KILL", "--", path, ...args], {
        stdio: ["ignore", output, output],
        env: { ...process.env, ...environment },
        detached: true,
      });
      child.on("error", () => undefined);
      // A test that fails before it stops its cluster must end all the same, and the cluster with it.
      child.unref();
      closeSync(output);
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    check: () => {
      if (running()) return;
      const tail = readFileSync(log, "utf8").trim().split("\n").slice(-shownLines).join("\n");
      throw new ClusterProblem(`${name} has ended:\n${tail}`, `the rest is in ${log}`);
    },
  };
}
