/** The command behind `npm run cluster`: a real control plane on this machine, to look at or to write tests against. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { kubernetesBinary } from "./binaries.ts";
import { cacheFolder } from "./cache.ts";
import { startControlPlane } from "./controlplane.ts";
import { ClusterProblem } from "./problem.ts";
import { forgetRunning, noteRunning, runningCluster } from "./state.ts";

const usage = `usage: npm run cluster -- COMMAND
  up      start a control plane that goes on running, and print how to use it
  down    stop it
  status  say whether one is running
  run     run one until Ctrl-C
`;

const pollMilliseconds = 100;
const logPath = (): string => join(cacheFolder("cluster"), "run.log");

function describe(kubeconfig: string, kubectl: string): string {
  return `export KUBECONFIG=${kubeconfig}\nalias kubectl=${kubectl}\n`;
}

/** Runs a control plane until it is told to stop. */
async function run(): Promise<number> {
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  // Neither the cluster's processes nor a listener for signals keep this one running.
  const stayAlive = setInterval(() => undefined, 60_000);
  const plane = await startControlPlane();
  noteRunning(plane.kubeconfig, plane.folder);
  process.stdout.write(describe(plane.kubeconfig, await kubernetesBinary("kubectl")));
  await stopped;
  clearInterval(stayAlive);
  await plane.stop();
  forgetRunning();
  return 0;
}

async function up(): Promise<number> {
  const kubectl = await kubernetesBinary("kubectl");
  let running = runningCluster();
  if (!running) {
    const log = openSync(logPath(), "w", 0o600);
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "run"], {
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    while (!running && child.exitCode === null) {
      await sleep(pollMilliseconds);
      running = runningCluster();
    }
    child.unref();
  }
  if (!running) throw new ClusterProblem(`no cluster came up:\n${readFileSync(logPath(), "utf8")}`, "mend that first");
  process.stdout.write(describe(running.kubeconfig, kubectl));
  return 0;
}

async function down(): Promise<number> {
  const running = runningCluster();
  if (running) process.kill(running.pid, "SIGTERM");
  while (runningCluster()) await sleep(pollMilliseconds);
  forgetRunning();
  process.stdout.write(running ? "stopped\n" : "no cluster was running\n");
  return 0;
}

function status(): number {
  const running = runningCluster();
  process.stdout.write(running ? `running: process ${running.pid}, ${running.folder}\n` : "no cluster is running\n");
  return running ? 0 : 1;
}

async function main(command: string | undefined): Promise<number> {
  switch (command) {
    case "up":
      return up();
    case "down":
      return down();
    case "status":
      return status();
    case "run":
      return run();
    default:
      process.stderr.write(usage);
      return 2;
  }
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  if (!(error instanceof ClusterProblem)) throw error;
  process.stderr.write(`cluster: ${error.message}\n`);
  process.exitCode = 1;
}
