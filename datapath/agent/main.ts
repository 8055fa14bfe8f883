import { enterNetworkNamespace } from "../loader/libc.ts";
import { openBpf } from "../loader/open.ts";
import { Agent } from "./agent.ts";
import { readConfig } from "./config.ts";
import { serveControl } from "./control-server.ts";
import { Datapath } from "./datapath.ts";
import { startSweeping } from "./sweeping.ts";

function keepSweeping(datapath: Datapath): () => void {
  datapath.startUnattended();
  return startSweeping(datapath, (error) => process.stderr.write(`sallyport agent: sweep: ${String(error)}\n`));
}

async function run(args: readonly string[]): Promise<number> {
  const config = readConfig(args);
  if (config.netns !== undefined) {
    enterNetworkNamespace(config.netns);
  }
  const datapath = new Datapath({ bpf: openBpf(), pins: config.bpffs, ...config });
  datapath.recordVerdicts(config.verdicts);
  const agent = new Agent(datapath, { attach: true });
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
