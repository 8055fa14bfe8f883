import type { Chance } from "./ports.ts";

/** Waits that grow with each failure. */
export interface BackoffOptions {
  /** First wait, milliseconds. */
  readonly first: number;
  /** Longest wait, milliseconds. */
  readonly most: number;
}

/**
 * Waits between attempts: doubled at each failure, and spread over the upper half, so that many clients that failed
 * together do not come back together.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #chance: Chance;
  #failures = 0;

  constructor(options: BackoffOptions, chance: Chance) {
    this.#options = options;
    this.#chance = chance;
  }

  /** How long to wait after one more failure, milliseconds. */
  next(): number {
    const whole = Math.min(this.#options.first * 2 ** this.#failures, this.#options.most);
    this.#failures += 1;
    return whole * (0.5 + this.#chance() / 2);
  }

  /** It went well. */
  reset(): void {
    this.#failures = 0;
  }
}
