import { type CaseResult, caseName, failedCases, type RunResult } from "./result.ts";

const entities: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text for XML 1.0, without the characters that it cannot hold. */
function escapeXml(text: string): string {
  const legal = Array.from(text)
    .filter((character) => character >= " " || "\t\n\r".includes(character))
    .join("");
  return legal.replace(/[<>&"']/g, (character) => entities[character] ?? character);
}

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

function testCase(result: CaseResult): string[] {
  const head = `    <testcase name="${escapeXml(caseName(result))}" classname="${escapeXml(result.file)}" file="${escapeXml(result.file)}" line="${result.line}" assertions="${result.expectations}" time="${seconds(result.milliseconds)}"`;
  if (result.failures.length === 0) return [`${head}/>`];
  const failures = result.failures.flatMap((failure) => {
    const message = `${failure.file}:${failure.line}: expected ${failure.expected}, happened ${failure.happened}`;
    const body = [`step ${failure.step}: ${failure.action}`, ...failure.why].join("\n");
    return [`      <failure message="${escapeXml(message)}" type="expectation">${escapeXml(body)}</failure>`];
  });
  return [`${head}>`, ...failures, "    </testcase>"];
}

/** JUnit XML: a suite for each file, a case for each scenario and engine. */
export function renderJunit(run: RunResult): string {
  const files = [...new Set(run.cases.map((result) => result.file))];
  const suites = files.flatMap((file) => {
    const cases = run.cases.filter((result) => result.file === file);
    const suite = { cases, milliseconds: cases.reduce((sum, result) => sum + result.milliseconds, 0) };
    return [
      `  <testsuite name="${escapeXml(file)}" tests="${cases.length}" failures="${failedCases(suite)}" errors="0" time="${seconds(suite.milliseconds)}">`,
      ...cases.flatMap(testCase),
      "  </testsuite>",
    ];
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="sallyport" tests="${run.cases.length}" failures="${failedCases(run)}" errors="0" time="${seconds(run.milliseconds)}">`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}
