import { Counter, Gauge, type Metric, Registry } from "prom-client";
import type { EndpointMetrics } from "../../../semantics/observation.ts";

/** What an endpoint's series are told by. */
export interface PodMetrics {
  readonly namespace: string;
  readonly pod: string;
  readonly metrics: EndpointMetrics;
}

/** Names of the metrics that are one number of an endpoint; those without `_total` are gauges. */
const numbers = {
  conntrack_used: ["conntrack_entries", "Entries of the pod in the connection table."],
  conntrack_max: ["conntrack_entries_max", "Entries that the pod may have."],
  conntrack_allowance_available: ["conntrack_allowance_available", "Entries that the pod may still make."],
  conntrack_allowance_exceeded: [
    "conntrack_allowance_exceeded_total",
    "Packets dropped because they needed an entry when the pod had all it may have.",
  ],
  conntrack_table_full: [
    "conntrack_table_full_total",
    "Packets dropped because the node's connection table was full; charged to nobody's allowance.",
  ],
  bw_in_allowance_exceeded: ["bw_in_allowance_exceeded_total", "Packets over the bandwidth into the pod."],
  bw_out_allowance_exceeded: ["bw_out_allowance_exceeded_total", "Packets over the bandwidth out of the pod."],
  pps_allowance_exceeded: ["pps_allowance_exceeded_total", "Packets over the pod's packet rate."],
  linklocal_allowance_exceeded: [
    "linklocal_allowance_exceeded_total",
    "Packets over the rate to link-local services and DNS.",
  ],
} as const satisfies Record<Exclude<keyof EndpointMetrics, "packets">, readonly [string, string]>;

const podLabels = ["namespace", "pod"] as const;

/** The kernel counts; a counter here only shows where the kernel's stands. */
function show(metric: Metric, labels: Readonly<Record<string, string>>, value: number): void {
  if (metric instanceof Gauge) metric.set(labels, value);
  else (metric as Counter).inc(labels, value);
}

/**
 * The endpoints' counters in Prometheus' terms, named after the ENA driver's. `read` is asked at each scrape, and once
 * for all metrics of it; a pod that is gone has no series.
 */
export function createRegistry(read: () => Promise<readonly PodMetrics[]>): Registry {
  const registry = new Registry();
  let reading: Promise<readonly PodMetrics[]> | undefined;
  const readOnce = (): Promise<readonly PodMetrics[]> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const make = (
    name: string,
    help: string,
    labelNames: readonly string[],
    fill: (metric: Metric, pod: PodMetrics) => void,
  ) => {
    const kind = name.endsWith("_total") ? Counter : Gauge;
    new kind({
      name: `sallyport_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      async collect() {
        const pods = await readOnce();
        this.reset();
        for (const pod of pods) fill(this, pod);
      },
    });
  };
  for (const [field, [name, help]] of Object.entries(numbers)) {
    make(name, help, podLabels, (metric, { namespace, pod, metrics }) => {
      show(metric, { namespace, pod }, metrics[field as keyof typeof numbers]);
    });
  }
  make(
    "packets_total",
    "Packets judged, by direction and reason.",
    [...podLabels, "direction", "reason"],
    (metric, pod) => {
      for (const [direction, reasons] of Object.entries(pod.metrics.packets)) {
        for (const [reason, count] of Object.entries(reasons)) {
          show(metric, { namespace: pod.namespace, pod: pod.pod, direction, reason }, count);
        }
      }
    },
  );
  return registry;
}
