import { say } from "../say.ts";
import { median, quantile } from "../statistics.ts";
import type { Change, Cost } from "./changes.ts";
import { type Churn, rate } from "./churn.ts";
import type { Writes } from "./cluster.ts";
import type { Start } from "./operator.ts";

const mostStartSeconds = 60;
const mostMiB = 1536;

const mib = (value: number): string => `${value.toFixed(0)} MiB`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** Median and 99th percentile. */
function spread(values: readonly number[]): string {
  return `${median(values).toFixed(0)} / ${quantile(values, 0.99).toFixed(0)} ms`;
}

function sayMemory(what: string, value: number): void {
  say(what, mib(value), `≤ ${mib(mostMiB)}`, value <= mostMiB);
}

function sayWrites({ compiled, others }: Writes): void {
  say("  compiled objects written", `${compiled.length}`);
  say("  other writes: finalizers, statuses, events", `${others}`);
}

/** One start of the operator, from the start of its process. */
export function sayStart(name: string, start: Start, writes: Writes): void {
  say(`${name}: everything is read after`, seconds(start.read));
  say(
    "  all compiled objects are written",
    seconds(start.compiled),
    `≤ ${mostStartSeconds} s`,
    start.compiled <= mostStartSeconds,
  );
  say("  all statuses are told", seconds(start.told), `≤ ${mostStartSeconds} s`, start.told <= mostStartSeconds);
  say("  until it rests, of a core", seconds(start.cpuSeconds));
  sayWrites(writes);
  sayMemory("  peak memory", start.peakMiB);
}

/** Writes to compiled objects of one change, the usual and the most. */
function writesOf(costs: readonly Cost[]): { readonly usual: number; readonly most: number } {
  const counts = costs.map(({ writes }) => writes.compiled.length);
  return { usual: median(counts), most: Math.max(...counts) };
}

/** One change, made often. */
export function sayChange({ name, goal }: Change, costs: readonly Cost[]): void {
  say(`${name}: seen after, median / p99`, spread(costs.map(({ lag }) => lag)));
  const work = costs.map(({ working }) => working);
  const { work: most } = goal;
  say(
    "  rounds of work",
    spread(work),
    most === undefined ? "" : `≤ ${most} ms`,
    most === undefined || median(work) <= most,
  );
  say("  of a core", spread(costs.map(({ cpu }) => cpu)));
  const writes = writesOf(costs);
  say(
    "  compiled objects written, median / most",
    `${writes.usual} / ${writes.most}`,
    `≤ ${goal.writes}`,
    writes.most <= goal.writes,
  );
}

/** A time of many changes. */
export function sayChurn({ changes, lags, refused, unseen, writes, ...cost }: Churn): void {
  say(`${changes} changes of pods, ${rate} a second: seen after`, spread(lags));
  say("  changes that the API server did not make", `${refused}`);
  say("  changes without an outcome of their own", `${unseen}`);
  say(
    "  compiled objects written for each",
    (writes.compiled.length / changes).toFixed(2),
    "≤ 3",
    writes.compiled.length <= 3 * changes,
  );
  say("  other writes for each", (writes.others / changes).toFixed(2));
  say("  of a core", `${(cost.core * 100).toFixed(0)} %`);
  say("  it rests after", seconds(cost.rest));
  sayMemory("  memory when the last change is made", cost.residentMiB);
  sayMemory("  peak memory since the start", cost.peakMiB);
}

/** Memory after some time without a change. */
export function saySteady(value: number, after: number): void {
  sayMemory(`memory after ${after} s without a change`, value);
}
