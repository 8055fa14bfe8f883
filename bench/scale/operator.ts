import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../e2e/cluster/progress.ts";
import { OperatorProgram } from "../../e2e/operator/program.ts";
import { peakMiB } from "../capacity/process.ts";
import { type Gauges, readGauges } from "./gauges.ts";

const pollMilliseconds = 250;

/** As docs/operator.md advises: left to itself, Node lets garbage lie as long as the machine has memory. */
const heapLimit = { NODE_OPTIONS: "--max-old-space-size=1024" };

/** How a start went; seconds since the process was started. */
export interface Start {
  readonly operator: OperatorProgram;
  /** All objects were read. */
  readonly read: number;
  /** All compiled objects were written. */
  readonly compiled: number;
  /** Statuses were, too. */
  readonly told: number;
  readonly peakMiB: number;
  readonly cpuSeconds: number;
}

const isQuiet = ({ begun, done, waiting }: Gauges): boolean => begun === done && waiting === 0;

/** Until no round is under way and no change waits, not even for the next telling of statuses. */
export async function quiet(operator: OperatorProgram): Promise<Gauges> {
  for (;;) {
    const first = await readGauges(operator);
    await sleep(pollMilliseconds);
    const second = await readGauges(operator);
    if (isQuiet(first) && isQuiet(second) && first.done === second.done) return second;
  }
}

/** The gauges, as soon as they are so. Before the operator listens it has none. */
async function gaugesWhen(operator: OperatorProgram, holds: (gauges: Gauges) => boolean): Promise<Gauges> {
  for (;;) {
    const gauges = await readGauges(operator).catch((error: unknown) => {
      if (operator.ended) throw error;
      return undefined;
    });
    if (gauges !== undefined && holds(gauges)) return gauges;
    await sleep(pollMilliseconds);
  }
}

/** Starts the operator as a user does, and waits until it has nothing left to do. */
export async function startOperator(kubeconfig: string, progress: Progress): Promise<Start> {
  const began = performance.now();
  const operator = OperatorProgram.begin(kubeconfig, [], heapLimit);
  const elapsed = (): number => (performance.now() - began) / 1000;
  try {
    progress.step("it reads");
    await gaugesWhen(operator, () => operator.log.some(({ msg }) => msg === "the caches are whole"));
    const read = elapsed();
    progress.step("it writes");
    await gaugesWhen(operator, ({ compiled }) => compiled > 0);
    const compiled = elapsed();
    progress.step("it tells statuses");
    await gaugesWhen(operator, ({ done }) => done > 0);
    const told = elapsed();
    const { cpu } = await quiet(operator);
    return { operator, read, compiled, told, peakMiB: peakMiB(operator.pid), cpuSeconds: cpu / 1000 };
  } catch (error) {
    await operator.kill();
    throw error;
  }
}
