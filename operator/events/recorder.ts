import { createHash } from "node:crypto";
import type { KubeClient } from "../kube/client.ts";
import { controllerName, fieldManager } from "../kube/identity.ts";
import type { Timers } from "../kube/ports.ts";
import { query } from "../kube/resources.ts";
import { kinds } from "../ports.ts";
import type { Happening } from "./decide.ts";

/** How long the same happening is one series, milliseconds. */
const seriesLength = 6 * 60_000;

/** Longest note that the API server takes. */
const longestNote = 1024;

/** Series that are remembered; the oldest is forgotten first. */
const mostSeries = 1000;

interface Series {
  readonly name: string;
  readonly namespace: string;
  readonly last: number;
  readonly count: number;
}

/** What a recorder needs. */
export interface RecorderParts {
  readonly client: KubeClient;
  readonly timers: Timers;
  /** RFC 3339 with microseconds. */
  readonly now: () => string;
  /** Name of this replica. */
  readonly instance: string;
  /** An event that could not be written is no reason to stop. */
  readonly onError: (error: unknown) => void;
}

/** Writes events (`events.k8s.io/v1`). The same thing that happens again soon makes the event a series. */
export class EventRecorder {
  readonly #parts: RecorderParts;
  readonly #series = new Map<string, Series>();

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async record(happening: Happening): Promise<void> {
    try {
      await this.#write(happening);
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  async #write(happening: Happening): Promise<void> {
    const { timers } = this.#parts;
    const key = keyOf(happening);
    const known = this.#series.get(key);
    const now = timers.elapsed();
    this.#series.delete(key);
    if (known !== undefined && now - known.last < seriesLength) {
      const next = { ...known, last: now, count: known.count + 1 };
      this.#series.set(key, next);
      await this.#extend(next);
      return;
    }
    const namespace = happening.ref.namespace ?? "default";
    const name = `${happening.ref.name.slice(0, 200)}.${key.slice(0, 12)}.${Date.parse(this.#parts.now()).toString(16)}`;
    this.#series.set(key, { name, namespace, last: now, count: 1 });
    for (const [oldest] of this.#series) {
      if (this.#series.size <= mostSeries) break;
      this.#series.delete(oldest);
    }
    await this.#create(happening, namespace, name);
  }

  async #create({ ref, uid, type, reason, action, note }: Happening, namespace: string, name: string): Promise<void> {
    const { kind, ...place } = ref;
    const body = {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { name, namespace },
      eventTime: this.#parts.now(),
      reportingController: controllerName,
      reportingInstance: this.#parts.instance.slice(0, 128),
      type,
      reason,
      action,
      note: note.slice(0, longestNote),
      regarding: { apiVersion: kinds[kind].apiVersion, kind, ...place, uid },
    };
    await this.#parts.client.request("POST", `${collection(namespace)}${query({ fieldManager })}`, { body });
  }

  async #extend({ name, namespace, count }: Series): Promise<void> {
    const body = { series: { count, lastObservedTime: this.#parts.now() } };
    const path = `${collection(namespace)}/${name}${query({ fieldManager })}`;
    await this.#parts.client.request("PATCH", path, { body, contentType: "application/merge-patch+json" });
  }
}

const collection = (namespace: string): string => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;

/** What is the same happening: the same said about the same object. */
function keyOf({ uid, type, reason, action, note }: Happening): string {
  return createHash("sha256").update([uid, type, reason, action, note].join("\n")).digest("hex");
}
