import type { KubeConfig } from "@kubernetes/client-node";
import type { Logger } from "pino";
import { CachedApi } from "./control/cached-api.ts";
import { Caches } from "./control/caches.ts";
import { Controller } from "./control/controller.ts";
import { EventRecorder, usualRecorderOptions } from "./events/recorder.ts";
import { type HealthServer, serveHealth } from "./health.ts";
import { KubeApi } from "./kube/api.ts";
import { KubeClient } from "./kube/client.ts";
import type { Chance, Timers } from "./kube/ports.ts";
import { type RestartReason, usualReflectorOptions } from "./kube/reflector.ts";
import { KubeTransport } from "./kube/transport.ts";
import { Elector, NotLeading, type Term } from "./leader/elector.ts";
import { KubeLease } from "./leader/kube-lease.ts";
import { Metrics } from "./metrics.ts";
import type { ProcessConfig } from "./process-config.ts";

/** Time, chance and where to write the log. */
export interface Surroundings {
  readonly timers: Timers;
  readonly chance: Chance;
  /** Wall clock. */
  readonly date: () => Date;
  readonly log: Logger;
}

/** metav1.Time: whole seconds. */
const wholeSeconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");

/** metav1.MicroTime. */
const microseconds = (date: Date): string => date.toISOString().replace("Z", "000Z");

/** Waits of changes whose work failed, milliseconds. */
const workBackoff = { first: 50, most: 60_000 };

/** Restarts that are part of the ordinary course. */
const expectedRestarts: ReadonlySet<RestartReason> = new Set(["ended", "absent", "no-streaming"]);

/** The operator of one process: caches at all times, work while it leads. */
export class Operator {
  readonly #config: ProcessConfig;
  readonly #surroundings: Surroundings;
  readonly #transport: KubeTransport;
  readonly #client: KubeClient;
  readonly #caches: Caches;
  readonly #controller: Controller;
  readonly #recorder: EventRecorder;
  readonly #metrics: Metrics;
  readonly #stopping = new AbortController();
  #term: Term | undefined;
  #server: HealthServer | undefined;

  constructor(kubeConfig: KubeConfig, config: ProcessConfig, surroundings: Surroundings) {
    const { timers, chance, date, log } = surroundings;
    this.#config = config;
    this.#surroundings = surroundings;
    this.#transport = new KubeTransport(kubeConfig, timers);
    this.#client = new KubeClient(this.#transport);
    this.#caches = new Caches((change) => this.#controller.changed(change));
    this.#recorder = new EventRecorder({
      client: this.#client,
      timers,
      now: () => microseconds(date()),
      instance: config.identity,
      options: usualRecorderOptions,
      onDropped: () => this.#metrics.eventDropped(),
      onError: (error) => {
        this.#metrics.eventFailed();
        log.warn({ err: error }, "an event could not be written");
      },
    });
    const guard = {
      check: async () => {
        if (this.#term === undefined) throw new NotLeading("this replica does not lead");
        await this.#term.check();
      },
      written: (...write: Parameters<Metrics["written"]>) => this.#metrics.written(...write),
    };
    this.#controller = new Controller({
      api: new CachedApi(this.#caches, new KubeApi(this.#client, () => this.#term?.lost), guard),
      config: config.policy,
      clock: { now: () => wholeSeconds(date()) },
      timers,
      chance,
      queue: { interval: config.queueInterval, backoff: workBackoff },
      reportDelay: config.reportDelay,
      memberInterval: config.memberInterval,
      record: (happening) => this.#recorder.record(happening),
      observer: {
        taken: (waited) => this.#metrics.controller.taken(waited),
        reconciled: (outcome, took) => this.#metrics.controller.reconciled(outcome, took),
        compiled: (since) => this.#metrics.controller.compiled(since),
        resolved: (overview) => this.#metrics.controller.resolved(overview),
      },
      log,
    });
    this.#metrics = new Metrics(this.#caches, this.#controller);
  }

  /** Port of the health server; 0 before it listens. */
  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** Works until `stop`. Rejects only with what is a fault of the operator itself. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    const { timers, chance, log } = this.#surroundings;
    this.#server = await serveHealth({
      listen: this.#config.listen,
      notReady: () => (this.#caches.synced ? undefined : "the caches are not whole yet"),
      metrics: () => this.#metrics.registry.metrics(),
    });
    log.info({ port: this.#server.port }, "serving health and metrics");
    this.#caches.start({
      client: this.#client,
      timers,
      chance,
      options: { ...usualReflectorOptions, absentRetry: this.#config.absentRetry },
      observer: {
        restarted: (kind, reason, error) => {
          this.#metrics.reflector(kind, reason, error);
          const why = { kind, reason, error: (error as Error | undefined)?.message };
          if (expectedRestarts.has(reason)) log.debug(why, "a watch begins again");
          else log.warn(why, "a watch begins again");
        },
      },
    });
    try {
      await Promise.race([this.#caches.whenSynced(), aborted(signal)]);
      if (!signal.aborted) log.info("the caches are whole");
      await this.#compete(signal);
    } finally {
      await this.#caches.stop();
      await this.#server.close();
      this.#transport.close();
    }
  }

  /** Finishes what is being written, gives up the lease and ends `run`. */
  stop(): void {
    this.#stopping.abort();
  }

  async #compete(signal: AbortSignal): Promise<void> {
    const { enabled, namespace, name, lease, deadline, retry } = this.#config.leaderElection;
    const { timers, chance, date, log } = this.#surroundings;
    if (!enabled) {
      if (!signal.aborted)
        await this.#lead({ signal, lost: new AbortController().signal, check: async () => undefined });
      return;
    }
    const elector = new Elector({
      lease: new KubeLease(this.#client, namespace, name),
      timers,
      chance,
      now: () => microseconds(date()),
      identity: this.#config.identity,
      options: { lease, deadline, retry },
      onError: (error) => log.warn({ err: error, namespace, name }, "the lease could not be read or written"),
    });
    await elector.run(signal, (term) => this.#lead(term));
  }

  async #lead(term: Term): Promise<void> {
    const { log } = this.#surroundings;
    this.#term = term;
    this.#metrics.leading(true);
    log.info({ identity: this.#config.identity }, "leading");
    try {
      await this.#controller.lead(term);
    } finally {
      this.#term = undefined;
      this.#recorder.forget();
      this.#metrics.leading(false);
      log.info({ identity: this.#config.identity }, "no longer leading");
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
