import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Agent } from "../../datapath/agent/agent.ts";
import type { AgentControl } from "../../datapath/agent/control.ts";
import { Datapath } from "../../datapath/agent/datapath.ts";
import { createRegistry } from "../../datapath/agent/observe/exposition.ts";
import { sweepInterval } from "../../datapath/agent/sweeping.ts";
import { openBpf } from "../../datapath/loader/open.ts";
import { sandboxBpffs } from "../../datapath/loader/test/sandbox.ts";
import { type AgentOptions, AgentProcess } from "../../lab/engine/agent-process.ts";
import { say } from "../say.ts";
import { median, quantile } from "../statistics.ts";
import { addInterfaces, attachments, podCount, stateAt } from "./crowd.ts";
import { fillConnections, memoryOf } from "./fill.ts";
import { cpuSeconds, residentMiB } from "./process.ts";

/** How thoroughly to measure. */
interface Effort {
  readonly changes: number;
  readonly sweeps: number;
  /** Seconds that the idle agent is watched. */
  readonly watched: number;
  readonly scrapes: number;
}

const efforts: Readonly<Record<"full" | "quick", Effort>> = {
  full: { changes: 200, sweeps: 9, watched: 95, scrapes: 50 },
  quick: { changes: 20, sweeps: 3, watched: 35, scrapes: 10 },
};

const object = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));
const tableSize = 1_048_576;
/** As `AgentProcess` starts its agents: the maps are shared with one. */
const endpointSlots = 1024;
const entries = 1_000_000;
const node = { nodeAddresses: [] };

async function elapsed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

/** Milliseconds from one change to the next: what the agent tidies up after the one is no part of the other. */
const betweenChanges = 100;

let revision = 0;

/** Milliseconds from a change of all rule sets until the agent says that every endpoint has it. */
async function changeTimes(control: AgentControl, changes: number): Promise<number[]> {
  const times: number[] = [];
  for (let change = 0; change < changes; change++) {
    const state = stateAt(++revision);
    times.push(await elapsed(() => control.program(state, node, attachments)));
    await pause(betweenChanges);
  }
  return times;
}

async function sayChanges(what: string, control: AgentControl, changes: number): Promise<void> {
  // The first changes fill slots that were never used before.
  await changeTimes(control, 3);
  const times = await changeTimes(control, changes);
  const p99 = quantile(times, 0.99);
  const figure = `${median(times).toFixed(0)} / ${p99.toFixed(0)} ms`;
  say(`a rule change, ${what}, median / p99`, figure, "p99 ≤ 100 ms", p99 <= 100);
}

function saySweeps(datapath: Datapath, sweeps: number): void {
  const times = Array.from({ length: sweeps }, () => {
    const start = performance.now();
    datapath.sweep();
    return (performance.now() - start) / 1000;
  });
  const cost = median(times);
  const share = cost / sweepInterval({ entries, pressed: false, cost });
  say(`a sweep of ${entries} entries`, `${(cost * 1000).toFixed(0)} ms`, "", true);
  say("its share of a core at its pace", `${(share * 100).toFixed(2)} %`, "≤ 1 %", share <= 0.01);
}

async function sayIdle(pid: number, watched: number): Promise<void> {
  const before = cpuSeconds(pid);
  const milliseconds = await elapsed(() => pause(watched * 1000));
  const share = (cpuSeconds(pid) - before) / (milliseconds / 1000);
  say(`an idle agent with ${entries} entries, of a core`, `${(share * 100).toFixed(2)} %`, "", true);
}

/** Scrapes as an agent answers them, in this process. */
async function sayScrapes(datapath: Datapath, scrapes: number): Promise<void> {
  const agent = new Agent(datapath, { attach: false });
  await agent.program(stateAt(revision), node, attachments);
  const registry = createRegistry(() =>
    Promise.all(
      attachments.map(async ({ uid }) => ({ namespace: "bench", pod: uid, metrics: await agent.metrics(uid) })),
    ),
  );
  await registry.metrics();
  const before = process.cpuUsage();
  const times: number[] = [];
  for (let scrape = 0; scrape < scrapes; scrape++) times.push(await elapsed(() => registry.metrics()));
  const { user, system } = process.cpuUsage(before);
  const figure = median(times);
  say(`a scrape of ${podCount} pods`, `${figure.toFixed(1)} ms`, "≤ 20 ms", figure <= 20);
  say("its time of a core", `${((user + system) / 1000 / scrapes).toFixed(1)} ms`, "", true);
}

/** Starts an agent once, so that the next one finds its code as in an image: without types, and compiled. */
async function keepCode(options: AgentOptions): Promise<void> {
  const agent = new AgentProcess(options);
  try {
    await agent.control.statuses();
  } finally {
    await agent.stop();
  }
}

/** What a full node costs: memory, sweeping, rule changes, an idle agent, a scrape. */
export async function runNode(quick: boolean): Promise<void> {
  const effort = efforts[quick ? "quick" : "full"];
  const bpffs = join(sandboxBpffs, "node");
  mkdirSync(bpffs);
  addInterfaces();
  console.log(`A node with ${podCount} pods in ten combinations of groups, with a hundred rules each.\n`);
  const options = { netns: `/proc/${process.pid}/ns/net`, bpffs, object, clock: "running", tableSize } as const;
  await keepCode(options);
  const agent = new AgentProcess(options);
  try {
    const { control, pid = 0 } = agent;
    await control.program({ ...stateAt(0), node: { node: "bench", endpoints: [] } }, node, []);
    const attached = await elapsed(() => control.program(stateAt(0), node, attachments));
    say("attaching and programming all pods at once", `${attached.toFixed(0)} ms`, "", true);
    await sayChanges("few entries", control, effort.changes);
    say("the agent's memory", `${residentMiB(pid).toFixed(0)} MiB`, "≤ 100 MiB", residentMiB(pid) <= 100);

    const datapath = new Datapath({ bpf: openBpf(), object, pins: bpffs, clock: "running", tableSize, endpointSlots });
    const memory = memoryOf(datapath.map("connections"));
    const figure = `${(memory / 2 ** 20).toFixed(0)} MiB, ${(memory / tableSize).toFixed(0)} B`;
    say(`the connection table for ${tableSize} entries, and each`, figure, "≤ 136 MiB", memory <= 136 * 2 ** 20);
    fillConnections(datapath, entries / podCount);
    saySweeps(datapath, effort.sweeps);
    await sayChanges(`${entries} entries`, control, effort.changes);
    await sayIdle(pid, effort.watched);
    say("the agent's memory", `${residentMiB(pid).toFixed(0)} MiB`, "≤ 100 MiB", residentMiB(pid) <= 100);
    await agent.stop();
    await sayScrapes(datapath, effort.scrapes);
    datapath.close();
  } finally {
    await agent.kill();
  }
}
