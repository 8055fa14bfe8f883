import type { Timers } from "./ports.ts";

/** Bites when it is not fed for some time. */
export class Watchdog {
  readonly #timers: Timers;
  readonly #milliseconds: number;
  readonly #bite: () => void;
  #fed: number;
  #cancel: () => void;

  constructor(timers: Timers, milliseconds: number, bite: () => void) {
    this.#timers = timers;
    this.#milliseconds = milliseconds;
    this.#bite = bite;
    this.#fed = timers.elapsed();
    this.#cancel = timers.after(milliseconds, () => this.#look());
  }

  feed(): void {
    this.#fed = this.#timers.elapsed();
  }

  stop(): void {
    this.#cancel();
  }

  /** One timer for all that is fed: it is set again for the rest of the time, not at every byte. */
  #look(): void {
    const left = this.#fed + this.#milliseconds - this.#timers.elapsed();
    if (left <= 0) this.#bite();
    else this.#cancel = this.#timers.after(left, () => this.#look());
  }
}
