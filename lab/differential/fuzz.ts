import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Chance } from "./chance.ts";
import { chanceSeed } from "./config.ts";
import { frameOf } from "./frame.ts";
import { generateSequence, longestSequence } from "./generate/sequence.ts";

/*
 * Compiles the datapath's parser for user space, with sanitizers, and has libFuzzer feed it: first with frames of the
 * differential test's packets, then with whatever that leads to. See datapath/bpf/fuzz/parse.c.
 */

const source = "datapath/bpf/fuzz";
const build = "build/fuzz";
const target = join(build, "parse");
const corpus = join(build, "corpus");

/** Bytes; enough for what `HEADERS_MAX` in parse.h looks at, and a quote. */
const longestInput = 1400;
/** In seconds; so many runs take a quarter of it. */
const longestRun = 40;

const options = {
  runs: { type: "string", default: "3000000" },
  seed: { type: "string" },
} as const;

function compile(): boolean {
  const sanitizers = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"];
  const flags = ["-g", "-O1", "-std=gnu17", "-Wall", "-Werror", "-I", join(source, "include")];
  const args = [...flags, ...sanitizers, join(source, "parse.c"), "-o", target];
  return run("clang-19", args);
}

/** Frames as inputs of the target: how they lie in memory (struct layout), then the bytes. */
function writeCorpus(seed: number): void {
  rmSync(corpus, { recursive: true, force: true });
  mkdirSync(corpus, { recursive: true });
  const chance = new Chance(seed);
  for (const [index, step] of generateSequence(seed, longestSequence).steps.entries()) {
    if (step.kind !== "packet") continue;
    const layout = Uint8Array.of(chance.below(4), chance.onceIn(2) ? 255 : chance.below(120));
    writeFileSync(join(corpus, String(index)), Buffer.concat([layout, frameOf(step)]));
  }
}

function run(command: string, args: readonly string[]): boolean {
  const { error, status } = spawnSync(command, args, { stdio: "inherit" });
  if (error !== undefined) throw new Error(`${command}: ${error.message}; npm run setup -- --checks installs it`);
  return status === 0;
}

function fuzz(): number {
  const { values } = parseArgs({ options });
  const seed = values.seed === undefined ? chanceSeed() : Number(values.seed);
  mkdirSync(build, { recursive: true });
  if (!compile()) return 2;
  writeCorpus(seed);
  console.log(`${values.runs} inputs, --seed ${seed}`);
  const limits = [`-runs=${values.runs}`, `-max_total_time=${longestRun}`, `-max_len=${longestInput}`];
  const quiet = ["-verbosity=0", "-print_final_stats=1"];
  // libFuzzer takes 0 for "any".
  const held = run(target, [...limits, ...quiet, `-seed=${seed % 2 ** 31 || 1}`, `-artifact_prefix=${build}/`, corpus]);
  if (!held) console.log(`the input is in ${build}/; again: ${target} FILE`);
  return held ? 0 : 1;
}

process.exitCode = fuzz();
