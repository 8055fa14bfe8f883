import { Backoff, type BackoffOptions } from "../kube/backoff.ts";
import type { Chance, Timers } from "../kube/ports.ts";
import { pause } from "../kube/timers.ts";

/** How fast a queue gives out its keys. */
export interface QueueOptions {
  /** Shortest time between two batches, milliseconds: what comes meanwhile is done together. */
  readonly interval: number;
  /** Waits of a key that failed. */
  readonly backoff: BackoffOptions;
}

/** Keys that are due, and since when the longest waiting one was. */
export interface Batch {
  readonly keys: readonly string[];
  /** Milliseconds that the oldest key has waited. */
  readonly waited: number;
}

/**
 * Keys of what is to be looked at again. A key is there once, however often it is added; one that is added while it is
 * worked on is there again afterwards. One that failed comes back later and later.
 */
export class WorkQueue {
  readonly #timers: Timers;
  readonly #chance: Chance;
  readonly #options: QueueOptions;
  /** When each key was added, and from when on it is due. */
  readonly #keys = new Map<string, { readonly added: number; readonly due: number }>();
  readonly #failures = new Map<string, Backoff>();
  #lastBatch = Number.NEGATIVE_INFINITY;
  #wake: () => void = () => undefined;

  constructor(timers: Timers, chance: Chance, options: QueueOptions) {
    this.#timers = timers;
    this.#chance = chance;
    this.#options = options;
  }

  /** Keys that wait. */
  get depth(): number {
    return this.#keys.size;
  }

  /** Adds a key, due after so many milliseconds; one that is there already is due at the earlier of the two times. */
  add(key: string, delay = 0): void {
    const now = this.#timers.elapsed();
    const there = this.#keys.get(key);
    this.#keys.set(key, {
      added: there?.added ?? now,
      due: Math.min(there?.due ?? Number.POSITIVE_INFINITY, now + delay),
    });
    this.#wake();
  }

  /** The work on these keys failed. Those that failed together for the first time come back together. */
  retry(keys: readonly string[]): void {
    const first = new Backoff(this.#options.backoff, this.#chance);
    const delays = new Map<Backoff, number>();
    for (const key of keys) {
      const backoff = this.#failures.get(key) ?? first;
      this.#failures.set(key, backoff);
      const delay = delays.get(backoff) ?? backoff.next();
      delays.set(backoff, delay);
      this.add(key, delay);
    }
  }

  /** The work on these keys is done. */
  done(keys: readonly string[]): void {
    for (const key of keys) this.#failures.delete(key);
  }

  /** All keys that are due, as soon as there is one; undefined once the signal says to stop. */
  async take(signal: AbortSignal): Promise<Batch | undefined> {
    // Work that waits for nothing, because it fails at once, must not keep the process from hearing of network and time.
    await pause(this.#timers, 0, signal);
    while (!signal.aborted) {
      const now = this.#timers.elapsed();
      const due = [...this.#keys].filter(([, entry]) => entry.due <= now);
      const earliest = Math.max(this.#lastBatch + this.#options.interval, now);
      if (due.length > 0 && earliest <= now) {
        for (const [key] of due) this.#keys.delete(key);
        this.#lastBatch = now;
        return { keys: due.map(([key]) => key), waited: now - Math.min(...due.map(([, { added }]) => added)) };
      }
      const next = Math.min(...[...this.#keys.values()].map((entry) => entry.due));
      await this.#sleep(Math.max(next, earliest) - now, signal);
    }
    return undefined;
  }

  /** Until a key is added, the signal comes or the time is over; for ever where it is infinite. */
  #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = Number.isFinite(milliseconds)
        ? this.#timers.after(Math.ceil(milliseconds), () => wake())
        : undefined;
      const wake = (): void => {
        cancel?.();
        signal.removeEventListener("abort", wake);
        this.#wake = () => undefined;
        resolve();
      };
      signal.addEventListener("abort", wake, { once: true });
      this.#wake = wake;
    });
  }
}
