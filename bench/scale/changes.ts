import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../e2e/cluster/progress.ts";
import type { OperatorProgram } from "../../e2e/operator/program.ts";
import type { ScaleCluster, Writes } from "./cluster.ts";
import type { CompiledView } from "./compiled.ts";
import { prefixListName } from "./objects.ts";
import { quiet } from "./operator.ts";
import { type App, appOf, podAddresses } from "./pods.ts";

/** What one change cost. Times are milliseconds. */
export interface Cost {
  /** From the API server's answer until a watch of the compiled objects has what the change makes of them. */
  readonly lag: number;
  /** In rounds of work, waiting for the API server included, telling statuses too. */
  readonly working: number;
  /** Of a core. */
  readonly cpu: number;
  readonly writes: Writes;
}

/** Something that is done again and again and always has an outcome. */
export interface Change {
  readonly name: string;
  /** Most milliseconds of work and most writes to compiled objects, or exactly so many. */
  readonly goal: { readonly work?: number; readonly writes: number };
  readonly carryOut: (time: number) => Promise<void>;
  /** Whether the compiled objects are as it makes them. */
  readonly holds: (time: number) => boolean;
}

/** What changes are made on and seen by. */
export interface Scene {
  readonly cluster: ScaleCluster;
  readonly compiled: CompiledView;
  readonly operator: OperatorProgram;
}

/** After this time a change has begun what it begins. */
export const settleMilliseconds = 300;

/** The outcome of one change is given up then. */
const patienceMilliseconds = 120_000;

const workOfPod = 50;

/** The life of a pod, step by step: each step is done to as many pods as it is measured on before the next begins. */
export function podChanges({ cluster, compiled }: Scene): readonly Change[] {
  const { pods } = cluster.size;
  const numberOf = (time: number): number => pods + time;
  const otherApp = (time: number): App => (appOf(numberOf(time), cluster.size) === "web" ? "api" : "web");
  const ruleSetOf = (time: number): string | undefined => compiled.ruleSetOf(cluster.uidOf(numberOf(time)));
  const isMember = (time: number): boolean => compiled.haveMember(podAddresses(numberOf(time)));
  const before = new Map<number, string | undefined>();
  return [
    {
      name: "a pod is created and scheduled",
      goal: { work: workOfPod, writes: 2 },
      carryOut: (time) => cluster.createPod(numberOf(time)),
      holds: (time) => ruleSetOf(time) !== undefined,
    },
    {
      name: "a pod gets its addresses",
      goal: { work: workOfPod, writes: 2 },
      carryOut: (time) => cluster.runPod(numberOf(time)),
      holds: isMember,
    },
    {
      name: "a pod is relabelled: other groups",
      goal: { work: workOfPod, writes: 3 },
      carryOut: async (time) => {
        before.set(time, ruleSetOf(time));
        await cluster.labelPod(numberOf(time), { app: otherApp(time) });
      },
      holds: (time) => before.has(time) && ruleSetOf(time) !== before.get(time) && isMember(time),
    },
    {
      name: "a pod is deleted",
      goal: { work: workOfPod, writes: 2 },
      carryOut: (time) => cluster.deletePod(numberOf(time)),
      holds: (time) => ruleSetOf(time) === undefined && !isMember(time),
    },
  ];
}

/** Combinations that the changed group is in. */
const combinations = 6;

/** Changes of rules; `time` counts from 0, each of another namespace or list as long as there are some. */
export function ruleChanges({ cluster, compiled }: Scene): readonly Change[] {
  const port = (time: number): number => 10_000 + time;
  const entry = (time: number): string => `198.51.100.${time}/32`;
  const list = 1;
  return [
    {
      name: `a rule of a group in ${combinations} combinations`,
      goal: { writes: combinations },
      carryOut: (time) => cluster.changeRule(time % cluster.size.namespaces, port(time)),
      holds: (time) => compiled.ruleSetsWithPort(port(time)) === combinations,
    },
    {
      name: "an entry of a prefix list",
      goal: { writes: 1 },
      carryOut: (time) => cluster.changeList(list, [entry(time)]),
      holds: (time) => compiled.listHas(prefixListName(list), entry(time)),
    },
  ];
}

/** Makes one change so many times, each when the one before has come to rest. */
export async function measureChange(
  scene: Scene,
  change: Change,
  times: number,
  progress: Progress,
): Promise<readonly Cost[]> {
  const costs: Cost[] = [];
  for (let time = 0; time < times; time += 1) {
    progress.step(`${time} of ${times}`);
    costs.push(await costOf(scene, change, time));
  }
  return costs;
}

/** Rejects when the outcome does not come: a figure about something else would be worse than none. */
async function withPatience<T>(outcome: Promise<T>, name: string): Promise<T> {
  const waiting = new AbortController();
  const late = sleep(patienceMilliseconds, undefined, waiting).then(() => {
    throw new Error(`${name}: no outcome after ${patienceMilliseconds / 1000} s`);
  });
  try {
    return await Promise.race([outcome, late]);
  } finally {
    late.catch(() => undefined);
    waiting.abort();
  }
}

async function costOf({ cluster, compiled, operator }: Scene, change: Change, time: number): Promise<Cost> {
  const before = await quiet(operator);
  const writes = cluster.followWrites();
  await change.carryOut(time);
  const answered = performance.now();
  const seen = await withPatience(
    compiled.until(() => change.holds(time)),
    change.name,
  );
  await sleep(settleMilliseconds);
  const after = await quiet(operator);
  return {
    lag: Math.max(0, seen - answered),
    working: after.working - before.working,
    cpu: after.cpu - before.cpu,
    writes: writes(),
  };
}
