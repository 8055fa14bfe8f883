import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { WriteGuard } from "./control/cached-api.ts";
import type { Caches } from "./control/caches.ts";
import type { Controller, ControllerObserver } from "./control/controller.ts";
import { groupsById } from "./eks/group-ids.ts";
import type { ReflectorObserver } from "./kube/reflector.ts";
import type { EndpointDecision } from "./resolve/endpoints.ts";
import type { Overview } from "./resolve/resolution.ts";

const prefix = "sallyport_operator_";
const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];

/** What the operator tells Prometheus. */
export class Metrics {
  readonly registry = new Registry();
  readonly #restarts = this.#counter("watch_restarts_total", "Lists and watches that began again.", ["kind", "reason"]);
  readonly #reconciles = this.#counter("reconciles_total", "Rounds of work by how they ended.", ["outcome"]);
  readonly #writes = this.#counter("writes_total", "Writes that the API server took.", ["kind", "verb"]);
  readonly #events = this.#counter("event_errors_total", "Events that could not be written.", []);
  readonly #dropped = this.#counter("events_dropped_total", "Events left out to spare the API server.", []);
  readonly #wait = this.#histogram("queue_wait_seconds", "How long the oldest change of a round had waited.");
  readonly #duration = this.#histogram("reconcile_duration_seconds", "How long a round of work took.");
  readonly #compiled = this.#histogram(
    "change_to_compiled_seconds",
    "From the first change of a round until its compiled objects were written.",
  );
  readonly #leading = this.#gauge("leading", "1 while this replica holds the lease.", []);
  readonly #endpoints = this.#gauge("endpoints", "Pods by what filters them.", ["state"]);
  readonly #objects = this.#gauge("user_objects", "Objects that users wrote, by kind and whether they are accepted.", [
    "kind",
    "state",
  ]);

  constructor(caches: Caches, controller: Pick<Controller, "depth">) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry, prefix });
    new Gauge({
      name: `${prefix}queue_depth`,
      help: "Changes that wait.",
      registers,
      collect() {
        this.set(controller.depth);
      },
    });
    new Gauge({
      name: `${prefix}cached_objects`,
      help: "Objects in the caches.",
      labelNames: ["kind"],
      registers,
      collect() {
        for (const [kind, cache] of caches.entries()) this.set({ kind }, cache.size);
      },
    });
  }

  readonly reflector: ReflectorObserver["restarted"] = (kind, reason) => this.#restarts.inc({ kind, reason });

  readonly written: WriteGuard["written"] = (kind, verb) => this.#writes.inc({ kind, verb });

  readonly eventFailed = (): void => this.#events.inc();

  readonly eventDropped = (): void => this.#dropped.inc();

  readonly leading = (leads: boolean): void => this.#leading.set(leads ? 1 : 0);

  readonly controller: ControllerObserver = {
    taken: (waited) => this.#wait.observe(waited / 1000),
    reconciled: (outcome, took) => {
      this.#reconciles.inc({ outcome });
      this.#duration.observe(took / 1000);
    },
    compiled: (since) => this.#compiled.observe(since / 1000),
    resolved: (overview) => this.#count(overview),
  };

  #count({ snapshot, groups, acls, decisions }: Overview): void {
    this.#objects.reset();
    const count = (kind: string, accepted: boolean): void =>
      this.#objects.inc({ kind, state: accepted ? "accepted" : "refused" });
    for (const { refusal } of groups.values()) count("SecurityGroup", refusal === undefined);
    for (const { refusal } of acls.values()) count("NetworkACL", refusal === undefined);
    for (const { spec } of snapshot.prefixLists) count("PrefixList", spec !== undefined);
    for (const { spec } of snapshot.profiles) count("AllowanceProfile", spec !== undefined);
    for (const { spec } of snapshot.trackingPolicies) count("TrackingPolicy", spec !== undefined);
    const lookUp = groupsById(snapshot.groups);
    for (const policy of snapshot.policies) count("SecurityGroupPolicy", lookUp(policy).unknown.length === 0);
    const states = { filtered: 0, unfiltered: 0, kept: 0, closed: 0 };
    for (const decision of decisions.values()) states[stateOf(decision)] += 1;
    for (const [state, number] of Object.entries(states)) this.#endpoints.set({ state }, number);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: `${prefix}${name}`, help, labelNames, registers: [this.registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> {
    return new Gauge({ name: `${prefix}${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string): Histogram {
    return new Histogram({ name: `${prefix}${name}`, help, buckets: seconds, registers: [this.registry] });
  }
}

/** What filters an endpoint: its objects, nothing, its last good policy, or everything is dropped (S-75). */
function stateOf({ filters, refused }: EndpointDecision): "filtered" | "unfiltered" | "kept" | "closed" {
  if (filters.closed !== undefined) return "closed";
  if (refused !== undefined) return "kept";
  return filters.ruleSet === undefined && filters.acl === undefined ? "unfiltered" : "filtered";
}
