import { setTimeout as sleep } from "node:timers/promises";
import { showProgress } from "../../e2e/cluster/progress.ts";
import type { OperatorProgram } from "../../e2e/operator/program.ts";
import { residentMiB } from "../capacity/process.ts";
import { measureChange, podChanges, ruleChanges, type Scene } from "./changes.ts";
import { churn } from "./churn.ts";
import { ScaleCluster } from "./cluster.ts";
import { CompiledView } from "./compiled.ts";
import { startOperator } from "./operator.ts";
import { sayChange, sayChurn, sayStart, saySteady } from "./report.ts";
import { groupsPerNamespace, type Size, sizes } from "./size.ts";

/** How thoroughly to measure. */
interface Effort {
  readonly size: Size;
  /** How often each change is made. */
  readonly times: number;
  readonly churnSeconds: number;
  /** Seconds of rest before steady memory is read. */
  readonly restSeconds: number;
}

const efforts: Readonly<Record<"full" | "quick", Effort>> = {
  full: { size: sizes.full, times: 20, churnSeconds: 60, restSeconds: 30 },
  quick: { size: sizes.quick, times: 5, churnSeconds: 20, restSeconds: 10 },
};

/** Far enough from the pods of single changes. */
const churnedPods = 10_000;

function heading({ nodes, pods, namespaces }: Size): string {
  const groups = namespaces * groupsPerNamespace;
  return `The operator before a real API server: ${nodes} nodes, ${pods} pods, ${groups} groups in ${namespaces} namespaces.\n`;
}

async function start(cluster: ScaleCluster, name: string): Promise<OperatorProgram> {
  const progress = showProgress(name);
  const writes = cluster.followWrites();
  const started = await startOperator(cluster.operatorKubeconfig, progress);
  progress.done("rests");
  sayStart(name, started, writes());
  return started.operator;
}

async function measureScene(scene: Scene, { size, times, churnSeconds, restSeconds }: Effort): Promise<void> {
  for (const change of [...podChanges(scene), ...ruleChanges(scene)]) {
    const progress = showProgress(change.name);
    const costs = await measureChange(scene, change, times, progress);
    progress.done(`${times} times`);
    sayChange(change, costs);
  }
  const progress = showProgress("churn");
  const cost = await churn(scene, churnSeconds, size.pods + churnedPods, progress);
  progress.done("rests");
  sayChurn(cost);
  await sleep(restSeconds * 1000);
  saySteady(residentMiB(scene.operator.pid), restSeconds);
}

/** The operator with a large cluster: how it starts, and what changes of pods, rules and lists cost. */
export async function runOperator(quick: boolean): Promise<void> {
  const effort = efforts[quick ? "quick" : "full"];
  // Neither the processes of the cluster nor the operator keep this one running.
  const stayAlive = setInterval(() => undefined, 60_000);
  const cluster = await ScaleCluster.start(effort.size);
  try {
    console.log(heading(effort.size));
    const first = await start(cluster, "the first start");
    await first.stop();
    const operator = await start(cluster, "a start with everything written");
    const compiled = new CompiledView(cluster.kubeconfig);
    try {
      await compiled.start();
      await measureScene({ cluster, compiled, operator }, effort);
    } finally {
      await compiled.stop();
      await operator.stop();
    }
  } finally {
    await cluster.stop();
    clearInterval(stayAlive);
  }
}
