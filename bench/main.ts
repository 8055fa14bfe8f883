import { join } from "node:path";
import { parseArgs } from "node:util";
import { enterSandbox, sandboxBpffs } from "../datapath/loader/test/sandbox.ts";
import { ClusterProblem } from "../e2e/cluster/problem.ts";
import { runNode } from "./capacity/run.ts";
import { compileObject } from "./compile.ts";
import { runForwarding } from "./forwarding/run.ts";
import { type Effort, type Figure, measure } from "./measure.ts";
import { BenchNode } from "./node.ts";
import { families } from "./packets.ts";
import { describeFigures, heading } from "./report.ts";
import { runOperator } from "./scale/run.ts";

const usage = `usage: npm run bench -- [packets | forwarding | node | operator] [--quick]

packets     what one packet costs in the programs, beside a bare lookup (the default)
forwarding  what is added to a packet's way between two pods, beside nftables
node        memory, sweeping, rule changes and metrics of a node with 250 pods and a million connections
operator    starts, changes and churn of a cluster of 5,000 nodes and 100,000 pods, on a real API server`;

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

interface Bench {
  readonly run: (quick: boolean) => Promise<void>;
  /** In namespaces of its own, since it makes interfaces and loads programs. */
  readonly sandboxed: boolean;
}

const benches: Readonly<Record<string, Bench>> = {
  packets: { run: runPackets, sandboxed: true },
  forwarding: { run: runForwarding, sandboxed: true },
  node: { run: runNode, sandboxed: true },
  operator: { run: runOperator, sandboxed: false },
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
  if (bench.sandboxed) enterSandbox();
  await bench.run(values.quick);
  return 0;
}

try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof ClusterProblem)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
