import type { Rate } from "../policy.ts";
import { ticksPerSecond } from "./clock.ts";

/**
 * A token bucket (S-74), exact: it counts in fractions of a token of which a tick brings a whole number. It begins
 * full. Tokens are what `rate` counts.
 */
export class TokenBucket {
  #perTick = 0n;
  #most = 0n;
  #level: bigint;
  /** Ticks; up to when `#level` is filled. */
  #filled: number;

  constructor(rate: Rate, now: number) {
    this.#filled = now;
    this.#set(rate);
    this.#level = this.#most;
  }

  /** Takes the tokens out; false: there are not so many, and none is taken. */
  take(tokens: number, now: number): boolean {
    this.#fill(now);
    const cost = BigInt(tokens) * parts;
    if (this.#level < cost) return false;
    this.#level -= cost;
    return true;
  }

  /** Another rate from now on. What is in the bucket stays, as far as it fits. */
  change(rate: Rate, now: number): void {
    this.#fill(now);
    this.#set(rate);
    this.#level = least(this.#level, this.#most);
  }

  #set({ perSecond, burst }: Rate): void {
    this.#perTick = BigInt(perSecond);
    this.#most = BigInt(burst) * parts;
  }

  #fill(now: number): void {
    this.#level = least(this.#most, this.#level + this.#perTick * BigInt(now - this.#filled));
    this.#filled = now;
  }
}

/** Parts of a token: so many that one tick brings `perSecond` of them. */
const parts = BigInt(ticksPerSecond);

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
