import type { Failure } from "../report/result.ts";
import { checkConnections, checkMetrics, checkOutcome, type Mismatch } from "./check.ts";
import { describeAction } from "./describe.ts";
import type { Happening } from "./happening.ts";
import type { Scenario, Step } from "./scenario.ts";
import type { World } from "./world.ts";

function mismatches(step: Step, happening: Happening, world: World): Mismatch[] {
  const { action } = step;
  if (happening.kind === "outcome" && "expect" in action && action.expect !== undefined && action.kind !== "expect") {
    const mismatch = checkOutcome(happening.outcome, action.expect);
    return mismatch === undefined ? [] : [mismatch];
  }
  if (happening.kind === "pod" && action.kind === "expect") {
    const { metrics, connections } = action.expect;
    const found = [
      metrics === undefined ? undefined : checkMetrics(happening.metrics, metrics),
      connections === undefined ? undefined : checkConnections(happening.rows, connections, world.addressesOf),
    ];
    return found.filter((mismatch) => mismatch !== undefined);
  }
  return [];
}

/** Holds one step against its expectation; a failure says where, what and why. */
export function judgeStep(scenario: Scenario, step: Step, happening: Happening, world: World): Failure | undefined {
  const wrong = mismatches(step, happening, world);
  if (wrong.length === 0) return undefined;
  return {
    file: scenario.file,
    line: step.expectLine,
    step: step.number,
    action: describeAction(step.action),
    expected: wrong.map((mismatch) => mismatch.expected).join("; "),
    happened: wrong.map((mismatch) => mismatch.happened).join("; "),
    why: world.explain(happening),
  };
}
