import { failedCases, type RunResult } from "./result.ts";

/** The whole result as one JSON object, with the sums first. */
export function renderJson(run: RunResult): string {
  const failed = failedCases(run);
  const sums = { passed: run.cases.length - failed, failed, milliseconds: Math.round(run.milliseconds) };
  const cases = run.cases.map((result) => ({
    ...result,
    ok: result.failures.length === 0,
    milliseconds: Math.round(result.milliseconds),
  }));
  return `${JSON.stringify({ ...sums, cases }, null, 2)}\n`;
}
