import { type CaseResult, caseName, type RunResult } from "./result.ts";

/** TAP descriptions may hold neither `#` nor a line break unescaped. */
function escapeDescription(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/#/g, "\\#").replace(/\s+/g, " ");
}

function diagnostics(result: CaseResult): string[] {
  if (result.failures.length === 0) return [];
  const blocks = result.failures.flatMap((failure) => [
    `    - at: ${JSON.stringify(`${failure.file}:${failure.line}`)}`,
    `      step: ${JSON.stringify(`${failure.step}: ${failure.action}`)}`,
    `      expected: ${JSON.stringify(failure.expected)}`,
    `      happened: ${JSON.stringify(failure.happened)}`,
    `      why: ${JSON.stringify(failure.why)}`,
  ]);
  return ["  ---", "  failures:", ...blocks, "  ..."];
}

/** TAP version 14: one test point for each scenario and engine, its failures as YAML diagnostics. */
export function renderTap(run: RunResult): string {
  const points = run.cases.flatMap((result, index) => [
    `${result.failures.length > 0 ? "not ok" : "ok"} ${index + 1} - ${escapeDescription(`${result.file}: ${caseName(result)}`)}`,
    ...diagnostics(result),
  ]);
  return ["TAP version 14", `1..${run.cases.length}`, ...points, ""].join("\n");
}
