import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache.ts";

/** The cluster that `npm run cluster -- up` left running. */
export interface RunningCluster {
  readonly pid: number;
  /** When the process began, in clock ticks since boot: a number that is used again is another process. */
  readonly began: string;
  readonly kubeconfig: string;
  readonly folder: string;
}

const statePath = (): string => join(cacheFolder("cluster"), "running.json");

/** When a process began, in clock ticks since boot (proc(5), field 22 of `stat`); undefined if there is none. */
function beganAt(pid: number): string | undefined {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  // The second field is the name, in brackets, and may hold anything.
  const fields = readFileSync(path, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return fields[19];
}

/** Notes that this process keeps a cluster running. */
export function noteRunning(kubeconfig: string, folder: string): void {
  const state: RunningCluster = { pid: process.pid, began: beganAt(process.pid) ?? "", kubeconfig, folder };
  writeFileSync(statePath(), JSON.stringify(state));
}

/** Forgets it again. */
export function forgetRunning(): void {
  rmSync(statePath(), { force: true });
}

/** The running cluster, if its process is still there. */
export function runningCluster(): RunningCluster | undefined {
  if (!existsSync(statePath())) return undefined;
  const state = JSON.parse(readFileSync(statePath(), "utf8")) as RunningCluster;
  return beganAt(state.pid) === state.began ? state : undefined;
}
