import { readFileSync, writeFileSync } from "node:fs";

/** Instructions that the verifier went through, by program. */
export type Counts = Readonly<Record<string, number>>;

interface Table {
  /** What no program may exceed on any kernel; the kernels give up at 1,000,000. */
  readonly budget: number;
  /** What was counted when the table was written, by series. */
  readonly kernels: Readonly<Record<string, Counts>>;
}

/** The committed table. */
const budgetFile = new URL("verifier-budget.json", import.meta.url);

export function readBudget(): Table {
  return JSON.parse(readFileSync(budgetFile, "utf8")) as Table;
}

/** Puts a kernel's counts into the table. */
export function recordCounts(series: string, counts: Counts): void {
  const { budget, kernels } = readBudget();
  writeFileSync(budgetFile, `${JSON.stringify({ budget, kernels: { ...kernels, [series]: counts } }, null, 2)}\n`);
}

/** What is wrong with the counts of a kernel: programs over the budget, one message each. */
export function overBudget(counts: Counts, { budget }: Pick<Table, "budget"> = readBudget()): readonly string[] {
  return Object.entries(counts)
    .filter(([, count]) => count > budget)
    .map(
      ([name, count]) =>
        `${name} takes the verifier ${count} instructions, ${count - budget} over the budget of ${budget}: ` +
        "put a part of it into a function that is not inlined, or take branches out of it",
    );
}

/** Counts next to those of the table, a line each. */
export function describeCounts(series: string, counts: Counts, { kernels }: Pick<Table, "kernels"> = readBudget()) {
  const known = kernels[series] ?? {};
  return Object.entries(counts).map(([name, count]) => {
    const before = known[name];
    const change = before === undefined ? "not in the table" : `${(((count - before) / before) * 100).toFixed(1)} %`;
    return `${series} ${name} ${count} (${change})`;
  });
}
