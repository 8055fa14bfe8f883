import type { Chance, Timers } from "../kube/ports.ts";
import { pause } from "../kube/timers.ts";
import type { LeasePort, LeaseRecord, StoredLease } from "./lease.ts";

/** Times of an election, milliseconds. */
interface ElectionOptions {
  /** How long a lease that is not renewed keeps others away. */
  readonly lease: number;
  /** How long a leader goes on without a renewal; shorter than the lease, so that two never write at once. */
  readonly deadline: number;
  /** Between two attempts to get or to renew it. */
  readonly retry: number;
}

/** A time of leading. */
export interface Term {
  /** Aborted when the term ends: the lease is lost, or the process is to stop. */
  readonly signal: AbortSignal;
  /** Aborted when the lease is lost: even what is being written must not go on. */
  readonly lost: AbortSignal;
  /**
   * To be awaited before each write. Where the lease may have run out while nothing of this process ran (it worked out
   * a large cluster, or was suspended), it is renewed first; rejects with `NotLeading` where it is lost.
   */
  check(): Promise<void>;
}

/** This replica does not lead: what it was about to write is not written. */
export class NotLeading extends Error {
  override readonly name = "NotLeading";
}

/** What an elector needs. */
export interface ElectorParts {
  readonly lease: LeasePort;
  readonly timers: Timers;
  readonly chance: Chance;
  /** RFC 3339 with microseconds, for the record. */
  readonly now: () => string;
  /** Name of this replica. */
  readonly identity: string;
  readonly options: ElectionOptions;
  /** Told what went wrong with the lease; the elector goes on. */
  readonly onError: (error: unknown) => void;
}

/**
 * Competes for the lease and works while it is held. Whether another's lease has run out is judged by our own clock,
 * from when we saw it change: the replicas' clocks need not agree.
 */
export class Elector {
  readonly #parts: ElectorParts;
  #observed: { readonly resourceVersion: string; readonly at: number } | undefined;
  #observedHolder: string | undefined;
  #renewing: Promise<boolean> | undefined;
  /** When the last renewal was sent that succeeded. */
  #renewed = Number.NEGATIVE_INFINITY;

  constructor(parts: ElectorParts) {
    this.#parts = parts;
  }

  /** Until the signal comes: waits for the lease, calls `lead`, and waits again when it was lost. */
  async run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      if (await this.#attempt()) await this.#lead(signal, lead);
      else await this.#pause(signal);
    }
  }

  async #lead(stop: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([stop, ending.signal]);
    const term: Term = {
      signal,
      lost: ending.signal,
      check: async () => {
        if (!ending.signal.aborted && this.#isOver()) await this.#renewal();
        if (ending.signal.aborted || this.#isOver())
          throw new NotLeading("the lease is lost; another replica may lead");
      },
    };
    const renewing = this.#renew(signal, ending);
    try {
      await lead(term);
    } finally {
      ending.abort();
      await renewing;
    }
    if (stop.aborted) await this.#release();
  }

  /** Renews until the term ends; ends it when the lease is another's or could not be renewed in time. */
  async #renew(signal: AbortSignal, ending: AbortController): Promise<void> {
    for (;;) {
      await this.#pause(signal);
      if (signal.aborted) return;
      const mine = await this.#renewal();
      const lost = !mine && this.#observedHolder !== undefined && this.#observedHolder !== this.#parts.identity;
      if (lost || this.#isOver()) return ending.abort();
    }
  }

  /** One attempt for all who ask for one at a time: two would be each other's conflict. */
  #renewal(): Promise<boolean> {
    this.#renewing ??= this.#attempt().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  #isOver(): boolean {
    return this.#parts.timers.elapsed() - this.#renewed >= this.#parts.options.deadline;
  }

  #pause(signal: AbortSignal): Promise<void> {
    const { timers, chance, options } = this.#parts;
    return pause(timers, options.retry * (1 + chance() / 5), signal);
  }

  /** Gets or renews the lease. Whether it is ours now. */
  async #attempt(): Promise<boolean> {
    const { lease, timers, onError } = this.#parts;
    try {
      const sent = timers.elapsed();
      const found = await lease.read();
      this.#observe(found);
      if (found !== undefined && !this.#isFree(found)) return false;
      if (!(await lease.write(this.#record(found), found?.resourceVersion))) return false;
      this.#renewed = sent;
      this.#observedHolder = this.#parts.identity;
      return true;
    } catch (error) {
      onError(error);
      return false;
    }
  }

  #observe(found: StoredLease | undefined): void {
    this.#observedHolder = found?.holder;
    if (found === undefined || found.resourceVersion === this.#observed?.resourceVersion) return;
    this.#observed = { resourceVersion: found.resourceVersion, at: this.#parts.timers.elapsed() };
  }

  #isFree({ holder, durationSeconds }: StoredLease): boolean {
    if (holder === "" || holder === this.#parts.identity) return true;
    const at = this.#observed?.at ?? Number.POSITIVE_INFINITY;
    return this.#parts.timers.elapsed() - at >= durationSeconds * 1000;
  }

  #record(found: StoredLease | undefined): LeaseRecord {
    const { identity, now, options } = this.#parts;
    const mine = found?.holder === identity;
    return {
      holder: identity,
      durationSeconds: Math.ceil(options.lease / 1000),
      acquireTime: mine ? found.acquireTime : now(),
      renewTime: now(),
      transitions: (found?.transitions ?? 0) + (mine || found === undefined ? 0 : 1),
    };
  }

  /** Gives the lease up, so that another replica need not wait for its end. */
  async #release(): Promise<void> {
    const { lease, identity, onError } = this.#parts;
    try {
      const found = await lease.read();
      if (found?.holder !== identity) return;
      const { resourceVersion, ...record } = found;
      await lease.write({ ...record, holder: "", durationSeconds: 1 }, resourceVersion);
    } catch (error) {
      onError(error);
    }
  }
}
