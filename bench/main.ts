import { join } from "node:path";
import { parseArgs } from "node:util";
import { enterSandbox, sandboxBpffs } from "../datapath/loader/test/sandbox.ts";
import { compileBench } from "./compile.ts";
import { type Effort, type Figure, measure } from "./measure.ts";
import { BenchNode } from "./node.ts";
import { families } from "./packets.ts";
import { describeFigures, heading } from "./report.ts";

const efforts: Readonly<Record<"full" | "quick", Effort>> = {
  full: { rules: [1, 100, 1000], flows: [1, 100_000, 1_000_000], rounds: 7, packets: 100_000 },
  quick: { rules: [1, 1000], flows: [1, 100_000], rounds: 5, packets: 30_000 },
};

async function run(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
  const object = compileBench();
  enterSandbox();
  const known: Figure[] = [];
  console.log(heading());
  for (const family of families) {
    // Of its own, since entries that were used before lie elsewhere in memory.
    const node = new BenchNode(object, join(sandboxBpffs, `v${family}`));
    try {
      await measure(node, family, values.quick ? efforts.quick : efforts.full, (figures) => {
        console.log(describeFigures(figures, known));
        known.push(...figures);
      });
    } finally {
      node.close();
    }
  }
  return 0;
}

process.exitCode = await run();
