import type { Happening } from "./decide.ts";

/** Times of series, milliseconds, and how many are remembered. */
export interface SeriesOptions {
  /** Silence after which a series is over. */
  readonly silence: number;
  /** Shortest time between two writes of a series that goes on; less than the API server keeps events (an hour). */
  readonly interval: number;
  /** Open series; of more than these the one that was silent longest is over. */
  readonly most: number;
}

/** What client-go does (`tools/events`). */
export const usualSeries: SeriesOptions = { silence: 6 * 60_000, interval: 30 * 60_000, most: 1000 };

/** The same thing that happens again and again, from the first time until it has been silent long enough. */
export interface Series {
  readonly happening: Happening;
  /** How often it happened. */
  count: number;
  /** When it happened last: milliseconds, and metav1.MicroTime. */
  last: number;
  lastTime: string;
  /** The count that the API server has; 0: it has no event yet. */
  told: number;
  /** When it was told, milliseconds. */
  toldAt: number;
}

/** The series that are open, in the order of their last time. */
export class OpenSeries {
  readonly #options: SeriesOptions;
  readonly #series = new Map<string, Series>();

  constructor(options: SeriesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#series.size;
  }

  /** The series of this key happened once more; undefined if none is open. */
  again(key: string, now: number, time: string): Series | undefined {
    const series = this.#series.get(key);
    if (series === undefined) return undefined;
    series.count += 1;
    series.last = now;
    series.lastTime = time;
    this.#series.delete(key);
    this.#series.set(key, series);
    return series;
  }

  /** Opens a series. Returns those that are over for want of room. */
  open(key: string, happening: Happening, now: number, time: string): { series: Series; over: readonly Series[] } {
    const series = { happening, count: 1, last: now, lastTime: time, told: 0, toldAt: now };
    this.#series.set(key, series);
    const [oldest] = this.#series;
    if (oldest === undefined || this.#series.size <= this.#options.most) return { series, over: [] };
    this.#series.delete(oldest[0]);
    return { series, over: [oldest[1]] };
  }

  /** Closes what has been silent long enough. Returns the series whose count the API server should be told now. */
  sweep(now: number): readonly Series[] {
    const { silence, interval } = this.#options;
    const due: Series[] = [];
    for (const [key, series] of this.#series) {
      const over = now - series.last >= silence;
      if (over) this.#series.delete(key);
      if (over || now - series.toldAt >= interval) due.push(series);
    }
    return due.filter(({ count, told }) => count > told);
  }

  /** Closes a series at once: what happens again is a new one. */
  close(key: string): void {
    this.#series.delete(key);
  }

  clear(): void {
    this.#series.clear();
  }
}
