/** An expectation that did not hold, or a step on which the engines differ. */
export interface Failure {
  readonly file: string;
  readonly line: number;
  /** The step, from 1. */
  readonly step: number;
  /** The step in words: `packet tcp SYN client:40000 → web:22`. */
  readonly action: string;
  readonly expected: string;
  readonly happened: string;
  /** Groups, the rule that matched or the nearest that did not. */
  readonly why: readonly string[];
}

/** One scenario in one engine, or (`both`) the comparison of the two. */
export interface CaseResult {
  readonly scenario: string;
  readonly file: string;
  readonly line: number;
  readonly engine: "model" | "kernel" | "both";
  readonly steps: number;
  readonly expectations: number;
  readonly milliseconds: number;
  readonly failures: readonly Failure[];
}

/** One run of `sallyport lab test`. */
export interface RunResult {
  readonly cases: readonly CaseResult[];
  readonly milliseconds: number;
}

export const outputs = ["pretty", "tap", "junit", "json"] as const;
export type Output = (typeof outputs)[number];

/** `seed-table (kernel)`, or `seed-table (model = kernel)` for the comparison. */
export function caseName(result: CaseResult): string {
  return `${result.scenario} (${result.engine === "both" ? "model = kernel" : result.engine})`;
}

/** How many cases failed. */
export function failedCases(run: RunResult): number {
  return run.cases.filter((result) => result.failures.length > 0).length;
}
