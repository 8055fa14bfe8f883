import { type Goal, goalOf, ipv6Share } from "./goals.ts";
import type { Figure } from "./measure.ts";

const columns = [
  { title: "IP", width: 3 },
  { title: "rules", width: 6 },
  { title: "flows", width: 8 },
  { title: "packet", width: 15 },
  { title: "net ns", width: 7 },
  { title: "bare ns", width: 10 },
  { title: "ratio", width: 6 },
  { title: "of IPv4", width: 8 },
  { title: "goal", width: 16 },
  { title: "", width: 6 },
] as const;

function line(cells: readonly string[]): string {
  return columns.map(({ width }, i) => (cells[i] ?? "")[i === 3 || i >= 8 ? "padEnd" : "padStart"](width)).join(" ");
}

/** What stands above the figures. */
export function heading(): string {
  return [
    "Nanoseconds of one packet that enters a pod, without what the test run itself costs; bare is a lookup in a hash map of",
    "the kernel's at the same fill, for a new flow an insertion. Ratios hold on other machines, nanoseconds do not.",
    "",
    line(columns.map(({ title }) => title)),
    line(columns.map(({ width }) => "-".repeat(width))),
  ].join("\n");
}

function describe(goal: Goal | undefined): string {
  if (goal === undefined) {
    return "";
  }
  return "lookups" in goal ? `≤ ${goal.lookups} × lookup` : `≤ ${goal.nanoseconds} ns`;
}

function meets({ net, ratio }: Figure, goal: Goal): boolean {
  return "lookups" in goal ? ratio <= goal.lookups : net <= goal.nanoseconds;
}

/** The same case over IPv4. */
function twinOf({ family, rules, flows, name }: Figure, known: readonly Figure[]): Figure | undefined {
  return known.find(
    (other) =>
      family === 6 && other.family === 4 && other.rules === rules && other.flows === flows && other.name === name,
  );
}

function misses(figure: Figure, twin: Figure | undefined): boolean {
  const goal = goalOf(figure.name, figure.rules, figure.flows);
  if (twin === undefined) {
    return goal !== undefined && !meets(figure, goal);
  }
  // Each family has a table of its own, and memory may be slower under one; then the bare operation is slower too.
  return figure.net > ipv6Share * twin.net && figure.ratio > ipv6Share * twin.ratio;
}

/** Figures as lines; `known` holds the IPv4 figures that those of IPv6 are compared with. */
export function describeFigures(figures: readonly Figure[], known: readonly Figure[]): string {
  return figures
    .map((figure) => {
      const { family, rules, flows, name, net, bare, ratio } = figure;
      const twin = twinOf(figure, known);
      return line([
        `v${family}`,
        `${rules}`,
        `${flows}`,
        name,
        `${net}`,
        `${bare}`,
        ratio.toFixed(2),
        twin === undefined ? "" : (net / twin.net).toFixed(2),
        twin === undefined ? describe(goalOf(name, rules, flows)) : `≤ ${ipv6Share} × IPv4`,
        misses(figure, twin) ? "missed" : "",
      ]);
    })
    .join("\n");
}
