import type { CaseResult, Failure } from "../report/result.ts";
import { describeRow } from "./check.ts";
import { describeAction } from "./describe.ts";
import type { Happening } from "./happening.ts";
import type { Performance } from "./performance.ts";
import type { Scenario } from "./scenario.ts";

/** A happening in words, with all that engines must agree on and nothing that they need not. */
function words(happening: Happening | undefined): string {
  if (happening === undefined) return "did not get here";
  switch (happening.kind) {
    case "none":
      return "done";
    case "outcome": {
      const { word, result, verdict } = happening.outcome;
      return `${word} ${result}, ${verdict === undefined ? "no verdict" : `tracking ${verdict.tracking}, reason ${verdict.reason}`}`;
    }
    case "pod": {
      const metrics = Object.entries(happening.metrics).map(([name, value]) => `${name} ${value}`);
      const rows = happening.rows.map(describeRow).sort();
      return [
        `${happening.machine.name}:`,
        metrics.join(", "),
        ...(rows.length === 0 ? ["no connections"] : rows),
      ].join(" ");
    }
  }
}

/** The case that holds two engines against each other, step by step and at the end. */
export function compareEngines(scenario: Scenario, first: Performance, second: Performance): CaseResult {
  const failures: Failure[] = [];
  const compare = (
    line: number,
    step: number,
    action: string,
    one: Happening | undefined,
    other: Happening | undefined,
  ): void => {
    const [expected, happened] = [words(one), words(other)];
    if (expected === happened) return;
    failures.push({
      file: scenario.file,
      line,
      step,
      action,
      expected: `the same in both engines; ${first.engine}: ${expected}`,
      happened: `${second.engine}: ${happened}`,
      why: [],
    });
  };
  for (const [index, step] of scenario.steps.entries()) {
    compare(step.line, step.number, describeAction(step.action), first.happenings[index], second.happenings[index]);
  }
  for (const [index, one] of first.finale.entries()) {
    compare(
      scenario.line,
      scenario.steps.length,
      `after the last step, ${one.machine.name}`,
      one,
      second.finale[index],
    );
  }
  return { ...first.result, engine: "both", expectations: scenario.steps.length, milliseconds: 0, failures };
}
