import type { OperatorProgram } from "../../e2e/operator/program.ts";

/** What the operator counts, at one moment. Times are milliseconds since its start. */
export interface Gauges {
  /** Rounds of work that were begun, and that ended well. */
  readonly begun: number;
  readonly done: number;
  /** Time in rounds, waiting for the API server included. */
  readonly working: number;
  /** Rounds whose compiled objects were written. */
  readonly compiled: number;
  /** Changes that wait. */
  readonly waiting: number;
  /** Time of a core. */
  readonly cpu: number;
}

const prefix = "sallyport_operator_";

/** Values by name, of all labels together, out of the text format of Prometheus. */
export function sumMetrics(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^([a-z_]+)(?:\{.*\})? (\S+)/i.exec(line) ?? [];
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

/** What the operator counts now. */
export async function readGauges(operator: OperatorProgram): Promise<Gauges> {
  const { text } = await operator.fetch("/metrics");
  const sums = sumMetrics(text);
  const value = (name: string): number => sums.get(prefix + name) ?? 0;
  return {
    begun: value("queue_wait_seconds_count"),
    done: value("reconciles_total"),
    working: value("reconcile_duration_seconds_sum") * 1000,
    compiled: value("change_to_compiled_seconds_count"),
    waiting: value("queue_depth"),
    cpu: value("process_cpu_seconds_total") * 1000,
  };
}
