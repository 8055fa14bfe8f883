/**
 * The command behind `npm run kernels -- [SERIES…] [--scenarios PATH]… [--no-scenarios] [--record]`: boots Debian's
 * kernels of these series, loads the datapath there, holds the verifier's counts to the budget, plays scenarios, and has
 * packets wait in fq (`../queueing`); `--no-scenarios` only loads. `--record` writes the counts into the committed table.
 */
import { parseArgs } from "node:util";
import { type Counts, describeCounts, overBudget, recordCounts } from "./budget.ts";
import { fetchKernel } from "./debian.ts";
import { commonFiles, moduleFiles } from "./guest-files.ts";
import { boot } from "./machine.ts";
import { collectModules } from "./modules.ts";
import { KernelProblem } from "./problem.ts";

/** The floor, and the newest that Debian 12 has. */
const defaultSeries = ["6.1", "6.12"];
/** Seconds that a guest may take. */
const patience = 900;
/** What the guest does beside loading; each has results of its own. */
const parts = ["scenarios", "queueing"];

interface Outcome {
  readonly counts: Counts;
  readonly problems: readonly string[];
}

/** What a guest printed, line by line, as it comes. */
class Transcript {
  readonly counts: Record<string, number> = {};
  readonly failures: string[] = [];
  /** Parts in which something passed. */
  readonly #passed = new Set<string>();
  #part = "";
  exitCode: number | undefined;

  add(line: string): void {
    const [, name = "", count] = /^verified (\S+) (\d+)$/.exec(line) ?? [];
    if (count !== undefined) this.counts[name] = Number(count);
    if (line.startsWith("not ok ")) this.failures.push(line);
    this.#part = /^# part: (\S+)$/.exec(line)?.[1] ?? this.#part;
    if (/^ok \d/.test(line)) this.#passed.add(this.#part);
    const code = /^# guest: exit code (\d+)$/.exec(line)?.[1];
    if (code !== undefined) this.exitCode = Number(code);
  }

  /** What is wrong, where these parts were asked for. */
  problems(wanted: readonly string[]): readonly string[] {
    return [
      ...(this.exitCode === undefined ? ["the guest did not come to an end: see what it printed last"] : []),
      ...(this.exitCode !== undefined && this.exitCode !== 0
        ? [`the checks ended with exit code ${this.exitCode}`]
        : []),
      ...(Object.keys(this.counts).length === 0 ? ["no program was loaded"] : overBudget(this.counts)),
      ...wanted.filter((part) => !this.#passed.has(part)).map((part) => `of the part ${part} nothing passed`),
      ...this.failures,
    ];
  }
}

async function check(series: string, common: Buffer, scenarios: readonly string[]): Promise<Outcome> {
  const kernel = fetchKernel(series);
  process.stdout.write(`# ${series}: ${kernel.release}\n`);
  const transcript = new Transcript();
  await boot({
    image: kernel.image,
    files: [common, moduleFiles(collectModules(kernel.modules))],
    args: scenarios,
    patience,
    onLine: (line) => {
      transcript.add(line);
      process.stdout.write(`${series}| ${line}\n`);
    },
  });
  return { counts: transcript.counts, problems: transcript.problems(scenarios.length > 0 ? parts : []) };
}

function report(series: string, { counts, problems }: Outcome, seconds: number): void {
  for (const line of describeCounts(series, counts)) process.stdout.write(`# ${line}\n`);
  for (const problem of problems) process.stderr.write(`kernels: ${series}: ${problem}\n`);
  const result = problems.length === 0 ? "ok" : "not ok";
  process.stdout.write(`${result} - kernel ${series} (${seconds.toFixed(0)} s)\n`);
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scenarios: { type: "string", multiple: true, default: ["lab/scenarios"] },
      "no-scenarios": { type: "boolean", default: false },
      record: { type: "boolean", default: false },
    },
  });
  const scenarios = values["no-scenarios"] ? [] : values.scenarios;
  const common = commonFiles();
  let failed = 0;
  for (const series of positionals.length > 0 ? positionals : defaultSeries) {
    const start = performance.now();
    const outcome = await check(series, common, scenarios);
    report(series, outcome, (performance.now() - start) / 1000);
    if (values.record && outcome.problems.length === 0) recordCounts(series, outcome.counts);
    failed += outcome.problems.length;
  }
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof KernelProblem)) throw error;
  process.stderr.write(`kernels: ${error.message}\n         ${error.remedy}\n`);
  process.exitCode = 2;
}
