/** How many events one object may have. */
export interface RateOptions {
  /** Events at once. */
  readonly burst: number;
  /** Milliseconds until one more is permitted. */
  readonly refill: number;
  /** Objects that are remembered; the one that was longest without an event is forgotten first. */
  readonly objects: number;
}

/** What client-go permits: 25 events about an object, then one every five minutes (`tools/record`). */
export const usualRate: RateOptions = { burst: 25, refill: 5 * 60_000, objects: 4096 };

/** A token bucket for each object. A bucket is the time at which it will be full again; a full one needs no memory. */
export class ObjectRate {
  readonly #options: RateOptions;
  /** By uid, milliseconds, in the order of the last event. */
  readonly #full = new Map<string, number>();

  constructor(options: RateOptions) {
    this.#options = options;
  }

  /** Objects that are remembered. */
  get size(): number {
    return this.#full.size;
  }

  /** Takes a token of the object's bucket, if there is one. `now` in milliseconds. */
  take(uid: string, now: number): boolean {
    const { burst, refill, objects } = this.#options;
    const full = Math.max(this.#full.get(uid) ?? now, now) + refill;
    if (full - now > burst * refill) return false;
    this.#full.delete(uid);
    this.#full.set(uid, full);
    if (this.#full.size > objects) this.#makeRoom(now);
    return true;
  }

  #makeRoom(now: number): void {
    for (const [uid, full] of this.#full) if (full <= now) this.#full.delete(uid);
    for (const uid of this.#full.keys()) {
      if (this.#full.size <= this.#options.objects) return;
      this.#full.delete(uid);
    }
  }
}
