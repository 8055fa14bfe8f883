import { styleText } from "node:util";
import { type CaseResult, caseName, type Failure, failedCases, type RunResult } from "./result.ts";

type Paint = (style: "green" | "red" | "dim" | "bold", text: string) => string;

function failureLines(failure: Failure, paint: Paint): string[] {
  return [
    `    ${paint("bold", `${failure.file}:${failure.line}`)}  step ${failure.step}: ${failure.action}`,
    `      expected  ${failure.expected}`,
    `      happened  ${paint("red", failure.happened)}`,
    ...failure.why.map((line, index) => `      ${index === 0 ? "because " : "        "}  ${line}`),
  ];
}

function caseLines(result: CaseResult, paint: Paint): string[] {
  const failed = result.failures.length > 0;
  const mark = failed ? paint("red", "✗") : paint("green", "✓");
  const size = paint("dim", `${result.steps} steps, ${result.expectations} expectations`);
  return [
    `  ${mark} ${caseName(result)}  ${size}`,
    ...result.failures.flatMap((failure) => failureLines(failure, paint)),
  ];
}

/** For people: files, scenarios, failures with their reasons, and a line that sums up. Colours only where asked. */
export function renderPretty(run: RunResult, colours: boolean): string {
  const paint: Paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
  const lines: string[] = [];
  let file: string | undefined;
  for (const result of run.cases) {
    if (result.file !== file) {
      file = result.file;
      lines.push(paint("bold", file));
    }
    lines.push(...caseLines(result, paint));
  }
  const failed = failedCases(run);
  const passed = run.cases.length - failed;
  const seconds = (run.milliseconds / 1000).toFixed(1);
  const sum = [`${passed} passed`, ...(failed > 0 ? [`${failed} failed`] : [])].join(", ");
  lines.push("", `${paint(failed > 0 ? "red" : "green", sum)} in ${seconds} s`, "");
  return lines.join("\n");
}
