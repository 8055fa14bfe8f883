import type { Timers } from "../kube/ports.ts";
import type { CompiledChanges, StoredCompiled } from "../reconcile/apply.ts";
import type { Pacer } from "../reconcile/pacer.ts";
import { postponeMembers } from "../reconcile/postpone.ts";

/**
 * Writes an address set at most once in an interval as its members change: a lone change goes at once, what follows is
 * gathered until the interval is over. Nothing waits longer than an interval.
 */
export class MemberPacer implements Pacer {
  readonly #timers: Timers;
  /** Milliseconds; 0: nothing waits. */
  readonly #interval: number;
  readonly #wake: (name: string, delay: number) => void;
  /** When each set was written last, milliseconds, as long as that is recent. */
  readonly #written = new Map<string, number>();
  /** Since when each set waits, milliseconds. */
  #waiting: ReadonlyMap<string, number> = new Map();

  /** `wake`: this address set should be looked at again after so many milliseconds. */
  constructor(timers: Timers, interval: number, wake: (name: string, delay: number) => void) {
    this.#timers = timers;
    this.#interval = interval;
    this.#wake = wake;
  }

  get waiting(): Iterable<string> {
    return this.#waiting.keys();
  }

  pace(stored: Pick<StoredCompiled, "AddressSet">, changes: CompiledChanges): CompiledChanges {
    const time = this.#timers.elapsed();
    for (const [name, at] of this.#written) if (time - at >= this.#interval) this.#written.delete(name);
    const overdue = [...this.#waiting.values()].some((since) => time - since >= this.#interval);
    const recent = overdue ? new Set<string>() : new Set(this.#written.keys());
    const { now, waiting } = postponeMembers(changes, stored.AddressSet, recent);
    this.#waiting = new Map([...waiting].map((name) => [name, this.#waiting.get(name) ?? time]));
    for (const { kind, metadata } of now.writes) if (kind === "AddressSet") this.#written.set(metadata.name, time);
    this.#wakeInTime(time);
    return now;
  }

  forget(): void {
    this.#written.clear();
    this.#waiting = new Map();
  }

  /** One look is enough, as each takes in all that waits. */
  #wakeInTime(time: number): void {
    const ends = [...this.#waiting].map(([name, since]) => ({
      name,
      end: (this.#written.get(name) ?? since) + this.#interval,
    }));
    const [first] = ends.sort((a, b) => a.end - b.end);
    if (first !== undefined) this.#wake(first.name, first.end - time);
  }
}
