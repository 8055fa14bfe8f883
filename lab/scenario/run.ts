import type { Engine } from "../engine/ports.ts";
import type { CaseResult, Failure, RunResult } from "../report/result.ts";
import { compareEngines } from "./compare.ts";
import { describeAction } from "./describe.ts";
import type { Happening } from "./happening.ts";
import { judgeStep } from "./judge.ts";
import type { Performance } from "./performance.ts";
import { Play } from "./play.ts";
import type { Scenario, Step } from "./scenario.ts";
import { World } from "./world.ts";

const hasExpectation = ({ action }: Step): boolean => "expect" in action && action.expect !== undefined;

function brokenStep(scenario: Scenario, step: Step | undefined, error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return {
    file: scenario.file,
    line: step?.line ?? scenario.line,
    step: step?.number ?? 0,
    action: step === undefined ? "set up" : describeAction(step.action),
    expected: "the step to be carried out",
    happened: message,
    why: [],
  };
}

/** Plays one scenario on one engine and checks every expectation; an error ends it as a failure. */
async function perform(scenario: Scenario, engine: Engine): Promise<Performance> {
  const started = performance.now();
  const world = new World(scenario);
  const play = new Play(engine, world);
  const happenings: Happening[] = [];
  const failures: Failure[] = [];
  let finale: Performance["finale"] = [];
  let current: Step | undefined;
  try {
    await play.setUp(scenario);
    for (const step of scenario.steps) {
      current = step;
      const happening = await play.step(step);
      happenings.push(happening);
      const failure = judgeStep(scenario, step, happening, world);
      if (failure !== undefined) failures.push(failure);
    }
    current = undefined;
    finale = await play.lookAtAll();
  } catch (error) {
    // What keeps every scenario from running is not a failure of this one.
    if (error instanceof Error && error.name === "EngineUnavailable") throw error;
    failures.push(brokenStep(scenario, current, error));
  } finally {
    await engine.end();
  }
  const result: CaseResult = {
    scenario: scenario.name,
    file: scenario.file,
    line: scenario.line,
    engine: engine.name,
    steps: scenario.steps.length,
    expectations: scenario.steps.filter(hasExpectation).length,
    milliseconds: performance.now() - started,
    failures,
  };
  return { engine: engine.name, result, happenings, finale };
}

/** Runs every scenario on every engine; with two engines each scenario has a case more, their comparison. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  engines: readonly Engine[],
  interrupted?: AbortSignal,
): Promise<RunResult> {
  const started = performance.now();
  const cases: CaseResult[] = [];
  for (const scenario of scenarios) {
    const performances: Performance[] = [];
    for (const engine of engines) {
      if (interrupted?.aborted === true) break;
      performances.push(await perform(scenario, engine));
    }
    cases.push(...performances.map((one) => one.result));
    const [first, second] = performances;
    if (first !== undefined && second !== undefined) cases.push(compareEngines(scenario, first, second));
  }
  return { cases, milliseconds: performance.now() - started };
}
