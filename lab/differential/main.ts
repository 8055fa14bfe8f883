import { readFileSync } from "node:fs";
import { type DifferentialConfig, readConfig } from "./config.ts";
import { describeDifference, describeSequence } from "./describe.ts";
import { findDifference } from "./find.ts";
import { places } from "./generate/pool.ts";
import { KernelSide } from "./kernel-side.ts";
import { ModelSide } from "./model-side.ts";
import { playSequence, type Sides } from "./play.ts";
import { reportFinding } from "./report.ts";
import type { Sequence } from "./sequence.ts";

/** Packets between two lines of progress. */
const progressEvery = 100_000;

async function replay(sides: Sides, file: string): Promise<boolean> {
  const sequence = JSON.parse(readFileSync(file, "utf8")) as Sequence;
  const difference = await playSequence(sides, sequence);
  console.log(describeSequence(sequence));
  console.log(difference === undefined ? "model and kernel agree" : describeDifference(difference));
  return difference === undefined;
}

async function explore(sides: Sides, { seed, packets }: DifferentialConfig): Promise<boolean> {
  console.log(`${packets} random packets, --seed ${seed}`);
  const started = performance.now();
  const finding = await findDifference(sides, seed, packets, (played) => {
    if (played % progressEvery === 0) console.log(`${played} packets`);
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(finding === undefined ? `model and kernel agree, ${seconds} s` : reportFinding(finding));
  return finding === undefined;
}

async function run(args: readonly string[]): Promise<number> {
  let config: DifferentialConfig;
  try {
    config = readConfig(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  const kernel = KernelSide.enter(config.object, places);
  try {
    const sides = { model: new ModelSide(), kernel };
    const agree = await (config.replay === undefined ? explore(sides, config) : replay(sides, config.replay));
    return agree ? 0 : 1;
  } finally {
    kernel.close();
  }
}

process.exitCode = await run(process.argv.slice(2));
