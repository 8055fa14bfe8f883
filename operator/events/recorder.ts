import type { KubeClient } from "../kube/client.ts";
import { KubeFailure } from "../kube/failure.ts";
import { fieldManager } from "../kube/identity.ts";
import type { Timers } from "../kube/ports.ts";
import { query } from "../kube/resources.ts";
import type { Happening } from "./decide.ts";
import { type EventPlace, eventObject, placeOf } from "./event.ts";
import { ObjectRate, type RateOptions, usualRate } from "./rate.ts";
import { OpenSeries, type Series, type SeriesOptions, usualSeries } from "./series.ts";

/** Bounds of a recorder. */
export interface RecorderOptions {
  readonly rate: RateOptions;
  readonly series: SeriesOptions;
  /** Writes that wait for the API server; what comes when there are so many is dropped. */
  readonly waiting: number;
  /** How often series are looked through, milliseconds. */
  readonly sweep: number;
}

/** Bounds that suit a real cluster. */
export const usualRecorderOptions: RecorderOptions = {
  rate: usualRate,
  series: usualSeries,
  waiting: 1000,
  sweep: 60_000,
};

/** What a recorder needs. */
export interface RecorderParts {
  readonly client: KubeClient;
  readonly timers: Timers;
  /** metav1.MicroTime. */
  readonly now: () => string;
  /** Name of this replica. */
  readonly instance: string;
  readonly options: RecorderOptions;
  /** An event that could not be written is no reason to stop. */
  readonly onError: (error: unknown) => void;
  /** An event was not written, to spare the API server. */
  readonly onDropped: () => void;
}

/**
 * Writes events, one after the other, while others work on. The same said again about an object makes its event a
 * series: the second time is told at once, what follows at intervals and at the end.
 */
export class EventRecorder {
  readonly #parts: RecorderParts;
  readonly #rate: ObjectRate;
  readonly #open: OpenSeries;
  /** Series that the API server is to be told of. */
  readonly #due = new Set<Series>();
  #working = false;
  #cancelSweep: (() => void) | undefined;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#rate = new ObjectRate(parts.options.rate);
    this.#open = new OpenSeries(parts.options.series);
  }

  /** Takes note; it is written soon, unless too much is said about the object or at once. */
  record(happening: Happening): void {
    const now = this.#parts.timers.elapsed();
    const time = this.#parts.now();
    const key = keyOf(placeOf(happening));
    const known = this.#open.again(key, now, time);
    if (known !== undefined) {
      if (known.told === 1) this.#tell(known);
      return;
    }
    if (this.#due.size >= this.#parts.options.waiting || !this.#rate.take(happening.uid, now)) {
      this.#parts.onDropped();
      return;
    }
    const { series, over } = this.#open.open(key, happening, now, time);
    for (const one of over) if (one.count > one.told) this.#tell(one);
    this.#tell(series);
    this.#sweepLater();
  }

  /** Forgets all series and what waits: another replica has the word. */
  forget(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#open.clear();
    this.#due.clear();
  }

  #tell(series: Series): void {
    this.#due.add(series);
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (const series of this.#due) {
      this.#due.delete(series);
      await this.#write(series);
    }
    this.#working = false;
  }

  /** Never rejects. */
  async #write(series: Series): Promise<void> {
    const place = placeOf(series.happening);
    try {
      const isThere = series.told > 0 && (await this.#extend(series, place));
      if (!isThere && !(await this.#create(series, place))) await this.#takeUp(series, place);
      series.toldAt = this.#parts.timers.elapsed();
    } catch (error) {
      // What happens next tries to create it anew.
      if (series.told === 0) this.#open.close(keyOf(place));
      this.#parts.onError(error);
    }
  }

  /** False: there is such an event already. */
  async #create(series: Series, { namespace }: EventPlace): Promise<boolean> {
    const { client, instance } = this.#parts;
    const body = eventObject(series.happening, instance, series.lastTime);
    const path = `${collection(namespace)}${query({ fieldManager })}`;
    if (!(await unless(client.request("POST", path, { body }), "AlreadyExists"))) return false;
    series.told = 1;
    if (series.count > 1) this.#tell(series);
    return true;
  }

  /** False: the API server has dropped the event, for its age. */
  async #extend(series: Series, place: EventPlace): Promise<boolean> {
    const { count, lastTime } = series;
    if (await unless(this.#patch(place, { series: { count, lastObservedTime: lastTime } }), "NotFound")) {
      series.told = count;
      return true;
    }
    series.count -= series.told;
    return false;
  }

  /** Goes on with the series of an earlier time or another replica. */
  async #takeUp(series: Series, place: EventPlace): Promise<void> {
    // A patch of nothing is answered with the event: no right to read events is needed.
    const found = (await this.#patch(place, {})) as { readonly series?: { readonly count?: number } };
    series.count += found.series?.count ?? 1;
    await this.#extend(series, place);
  }

  #patch({ namespace, name }: EventPlace, body: object): Promise<unknown> {
    const path = `${collection(namespace)}/${encodeURIComponent(name)}${query({ fieldManager })}`;
    return this.#parts.client.request("PATCH", path, { body, contentType: "application/merge-patch+json" });
  }

  #sweepLater(): void {
    const { timers, options } = this.#parts;
    this.#cancelSweep ??= timers.after(options.sweep, () => {
      this.#cancelSweep = undefined;
      for (const series of this.#open.sweep(timers.elapsed())) this.#tell(series);
      if (this.#open.size > 0) this.#sweepLater();
    });
  }
}

const collection = (namespace: string): string => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;

const keyOf = ({ namespace, name }: EventPlace): string => `${namespace}/${name}`;

/** Whether a request is answered with success, and not with this refusal. Others reject. */
async function unless(request: Promise<unknown>, reason: string): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (error instanceof KubeFailure && error.reason === reason) return false;
    throw error;
  }
}
