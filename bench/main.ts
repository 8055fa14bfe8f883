import { join } from "node:path";
import { parseArgs } from "node:util";
import { enterSandbox, sandboxBpffs } from "../datapath/loader/test/sandbox.ts";
import { runNode } from "./capacity/run.ts";
import { compileObject } from "./compile.ts";
import { runForwarding } from "./forwarding/run.ts";
import { type Effort, type Figure, measure } from "./measure.ts";
import { BenchNode } from "./node.ts";
import { families } from "./packets.ts";
import { describeFigures, heading } from "./report.ts";

const usage = `usage: npm run bench -- [packets | forwarding | node] [--quick]

packets     what one packet costs in the programs, beside a bare lookup (the default)
forwarding  what is added to a packet's way between two pods, beside nftables
node        memory, sweeping, rule changes and metrics of a node with 250 pods and a million connections`;

const efforts: Readonly<Record<"full" | "quick", Effort>> = {
  full: { rules: [1, 100, 1000], flows: [1, 100_000, 1_000_000], rounds: 7, packets: 100_000 },
  quick: { rules: [1, 1000], flows: [1, 100_000], rounds: 5, packets: 30_000 },
};

async function runPackets(quick: boolean): Promise<void> {
  const object = compileObject("bench.bpf.c");
  const known: Figure[] = [];
  console.log(heading());
  for (const family of families) {
    // Of its own, since entries that were used before lie elsewhere in memory.
    const node = new BenchNode(object, join(sandboxBpffs, `v${family}`));
    try {
      await measure(node, family, quick ? efforts.quick : efforts.full, (figures) => {
        console.log(describeFigures(figures, known));
        known.push(...figures);
      });
    } finally {
      node.close();
    }
  }
}

const benches: Readonly<Record<string, (quick: boolean) => Promise<void>>> = {
  packets: runPackets,
  forwarding: runForwarding,
  node: runNode,
};

async function run(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const [name = "packets", ...others] = positionals;
  const bench = benches[name];
  if (bench === undefined || others.length > 0) {
    console.error(usage);
    return 2;
  }
  enterSandbox();
  await bench(values.quick);
  return 0;
}

process.exitCode = await run();
