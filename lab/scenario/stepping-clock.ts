import type { Clock } from "../../operator/ports.ts";

/** A wall clock for the API in memory: each reading is a second later, so that what is made first is older. */
export class SteppingClock implements Clock {
  #milliseconds = 0;

  now(): string {
    this.#milliseconds += 1000;
    return new Date(this.#milliseconds).toISOString().replace(".000Z", "Z");
  }
}
