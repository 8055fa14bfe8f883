import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../e2e/cluster/progress.ts";
import { cpuSeconds, peakMiB, residentMiB } from "../capacity/process.ts";
import { type Scene, settleMilliseconds } from "./changes.ts";
import type { ScaleCluster, Writes } from "./cluster.ts";
import { quiet } from "./operator.ts";
import { isMonitored, podAddresses } from "./pods.ts";
import type { Size } from "./size.ts";

/** Pod changes of each second. */
export const rate = 100;

/** What happens to a pod. */
export interface ChurnStep {
  readonly kind: "create" | "run" | "label" | "delete";
  readonly pod: number;
}

/** Pods that come live so many rounds of four changes: twenty seconds. */
const lifeRounds = (20 * rate) / 4;
/** A kubelet has a pod running a second later. */
const startRounds = rate / 4;
/** A prime, so that relabelled pods are spread over namespaces and nodes. */
const stride = 7919;

/**
 * The churn's changes, one after the other: of each four, a pod comes, one gets its addresses, one that was there from
 * the start is put into one group more or less, and one goes. As long as there is none to run or to go, one more is
 * relabelled. `first` is the number of the first pod that comes.
 */
export function churnStep(index: number, size: Size, first: number): ChurnStep {
  const round = Math.floor(index / 4);
  const label = (at: number): ChurnStep => ({ kind: "label", pod: (at * stride) % size.pods });
  switch (index % 4) {
    case 0:
      return { kind: "create", pod: first + round };
    case 1:
      return round < startRounds ? label(index) : { kind: "run", pod: first + round - startRounds };
    case 2:
      return label(index);
    default:
      return round < lifeRounds ? label(index) : { kind: "delete", pod: first + round - lifeRounds };
  }
}

/** What a minute of churn cost. */
export interface Churn {
  readonly changes: number;
  /** Milliseconds from the API server's answer until a watch has the outcome, of each change that had one. */
  readonly lags: readonly number[];
  /** Changes that the API server did not make: it was too busy. */
  readonly refused: number;
  /** Changes whose outcome was not seen: overtaken by the next, or not there when all had come to rest. */
  readonly unseen: number;
  readonly writes: Writes;
  /** Share of a core that the operator used. */
  readonly core: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
  /** Seconds from the last change until the operator had nothing left to do. */
  readonly rest: number;
}

async function carryOut(cluster: ScaleCluster, { kind, pod }: ChurnStep): Promise<void> {
  switch (kind) {
    case "create":
      return cluster.createPod(pod);
    case "run":
      return cluster.runPod(pod);
    case "label":
      return cluster.labelPod(pod, { monitored: isMonitored(pod, cluster.size) ? null : "true" });
    case "delete":
      return cluster.deletePod(pod);
  }
}

/** What must hold of the compiled objects after a step. To be called before it is carried out. */
function outcomeOf({ cluster, compiled }: Scene, { kind, pod }: ChurnStep): () => boolean {
  const ruleSet = (): string | undefined => compiled.ruleSetOf(cluster.uidOf(pod));
  switch (kind) {
    case "create":
      return () => ruleSet() !== undefined;
    case "run":
      return () => compiled.haveMember(podAddresses(pod));
    case "label": {
      const before = ruleSet();
      return () => ruleSet() !== before;
    }
    case "delete":
      return () => ruleSet() === undefined;
  }
}

/** Carries steps out as they come, those of one pod one after the other, and notes how long each outcome took. */
class Steps {
  readonly #scene: Scene;
  readonly #lags: number[] = [];
  readonly #answered = new Map<number, Promise<void>>();
  readonly #refusals: unknown[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  begin(step: ChurnStep): void {
    const before = this.#answered.get(step.pod) ?? Promise.resolve();
    const done = before.then(() => this.#take(step));
    this.#answered.set(step.pod, done);
    done.catch((error: unknown) => this.#refusals.push(error));
  }

  get lags(): readonly number[] {
    return this.#lags;
  }

  /** What the API server did not do, being too busy, and what therefore could not follow. */
  get refusals(): readonly unknown[] {
    return this.#refusals;
  }

  async #take(step: ChurnStep): Promise<void> {
    const holds = outcomeOf(this.#scene, step);
    await carryOut(this.#scene.cluster, step);
    const answered = performance.now();
    void this.#scene.compiled.until(holds).then((at) => this.#lags.push(Math.max(0, at - answered)));
  }
}

/** Makes a hundred changes a second, however long each takes. `first` is the number of the first pod that comes. */
export async function churn(scene: Scene, seconds: number, first: number, progress: Progress): Promise<Churn> {
  const { cluster, operator } = scene;
  await quiet(operator);
  const follow = cluster.followWrites();
  const cpu = cpuSeconds(operator.pid);
  const steps = new Steps(scene);
  const changes = seconds * rate;
  const began = performance.now();
  for (let index = 0; index < changes; index += 1) {
    const wait = began + (index * 1000) / rate - performance.now();
    if (wait > 0) await sleep(wait);
    steps.begin(churnStep(index, cluster.size, first));
    if (index % rate === 0) progress.step(`${index} of ${changes}`);
  }
  const ended = performance.now();
  const resident = residentMiB(operator.pid);
  const core = (cpuSeconds(operator.pid) - cpu) / ((ended - began) / 1000);
  await sleep(settleMilliseconds);
  await quiet(operator);
  const rest = (performance.now() - ended) / 1000;
  const { lags, refusals } = steps;
  return {
    changes,
    lags,
    refused: refusals.length,
    unseen: changes - refusals.length - lags.length,
    writes: follow(),
    core,
    residentMiB: resident,
    peakMiB: peakMiB(operator.pid),
    rest,
  };
}
