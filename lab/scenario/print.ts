import { formatProblem, type Problem } from "../../crds/problem.ts";

/** All problems, one to a line, and how many there are. */
export function printProblems(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [...problems.map(formatProblem), count].join("\n");
}
