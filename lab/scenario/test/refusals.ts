import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf } from "./scenario.ts";

/** What is written, the `spec` with it, the field and line that are named, and what else the message says. */
export type Refusal = readonly [what: string, spec: readonly string[], field: string, line: number, message: RegExp];

/** One test for each: there is exactly this problem, as the command prints it. */
export function testRefusals(refusals: readonly Refusal[]): void {
  for (const [what, spec, field, line, message] of refusals) {
    test(`${what} is refused with file, line, field and remedy`, async () => {
      const problems = await problemsOf(...spec);
      assert.equal(problems.length, 1, problems.join("\n"));
      const [problem = ""] = problems;
      assert.ok(problem.startsWith(`s.yaml:${line}: `), problem);
      assert.ok(problem.includes(` ${field}`), problem);
      assert.match(problem, message);
    });
  }
}
