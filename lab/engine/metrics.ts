import type { EndpointMetrics } from "../../semantics/observation.ts";
import { type MetricName, metricNames } from "../scenario/expectation.ts";
import type { Metrics } from "./ports.ts";

/** The counters and gauges that scenarios know, out of an endpoint's. */
export function metricsOf(metrics: EndpointMetrics): Metrics {
  return Object.fromEntries(metricNames.map((name) => [name, metrics[name]])) as Record<MetricName, number>;
}
