import { flushCompileCache } from "node:module";
import { enterNetworkNamespace } from "../loader/libc.ts";
import { openBpf } from "../loader/open.ts";
import { Agent } from "./agent.ts";
import { readConfig } from "./config.ts";
import { serveControl } from "./control-server.ts";
import { Datapath } from "./datapath.ts";
import { startSweeping } from "./sweeping.ts";
import { queueingProblem, readUplinks } from "./uplinks.ts";

function keepSweeping(datapath: Datapath): () => void {
  datapath.startUnattended();
  return startSweeping(datapath, (error) => process.stderr.write(`sallyport agent: sweep: ${String(error)}\n`));
}

/** Whether packets can wait on this node. Where they can't, what is over the bandwidth is dropped, and this says so. */
function offersQueueing(): boolean {
  const problem = queueingProblem(readUplinks());
  if (problem === undefined) return true;
  process.stderr.write(`sallyport agent: --queue-egress: ${problem}; what is over a pod's bandwidth is dropped\n`);
  return false;
}

async function run(args: readonly string[]): Promise<number> {
  const config = readConfig(args);
  if (config.netns !== undefined) {
    enterNetworkNamespace(config.netns);
  }
  const queueEgress = config.queueEgress && offersQueueing();
  const datapath = new Datapath({ bpf: openBpf(), pins: config.bpffs, ...config, queueEgress });
  datapath.recordVerdicts(config.verdicts);
  const agent = new Agent(datapath, { attach: true });
  // Agents are killed more often than they are stopped, and only that would keep it by itself.
  flushCompileCache();
  const stopSweeping = datapath.standing ? () => {} : keepSweeping(datapath);
  try {
    await serveControl(agent, process.stdin, process.stdout);
  } finally {
    stopSweeping();
    agent.close();
  }
  return 0;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`sallyport agent: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
