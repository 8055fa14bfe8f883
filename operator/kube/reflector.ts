import type { Kind, StoredObject } from "../ports.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import type { ObjectCache } from "./cache.ts";
import type { KubeClient } from "./client.ts";
import { KubeFailure } from "./failure.ts";
import { listObjects } from "./list.ts";
import type { Chance, Timers } from "./ports.ts";
import { pause } from "./timers.ts";
import { type WatchMessage, watchObjects } from "./watch.ts";
import { Watchdog } from "./watchdog.ts";

/** Times of a reflector, milliseconds unless said. */
export interface ReflectorOptions {
  readonly backoff: BackoffOptions;
  /** Shortest life of a watch in seconds; each lasts up to twice as long, by chance. */
  readonly watchSeconds: number;
  /** Longest silence of a watch. */
  readonly idle: number;
  /** Longest silence of a streaming list before it is whole: the server has no reason for any. */
  readonly listIdle: number;
  /** How often a kind that is not installed is asked for. */
  readonly absentRetry: number;
}

/** Times that suit a real cluster. */
export const usualReflectorOptions: ReflectorOptions = {
  backoff: { first: 500, most: 30_000 },
  watchSeconds: 240,
  idle: 150_000,
  listIdle: 40_000,
  absentRetry: 10_000,
};

/** Why a watch or a list had to begin again; `no-streaming`: the server has no streaming lists, pages it is. */
export type RestartReason = "ended" | "broken" | "expired" | "throttled" | "refused" | "absent" | "no-streaming";

/** Who is told how a reflector fares. */
export interface ReflectorObserver {
  restarted(kind: Kind, reason: RestartReason, error: unknown): void;
}

/** What a reflector needs. */
export interface ReflectorParts {
  readonly client: KubeClient;
  readonly cache: ObjectCache;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly observer: ReflectorObserver;
  readonly options: ReflectorOptions;
  /** A kind that may not be installed: then it has no objects. */
  readonly optional: boolean;
}

/**
 * Keeps the cache of one kind as the API server has it: lists, watches from there, and begins again where the
 * connection broke. Meanwhile the cache holds what was true before.
 */
export class Reflector {
  readonly #kind: Kind;
  readonly #parts: ReflectorParts;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #firstSync = Promise.withResolvers<void>();
  /** Where to watch on from; undefined: a list comes first. */
  #version: string | undefined;
  /** The server has refused a streaming list: pages, from then on. */
  #pagesOnly = false;
  #synced = false;
  #running: Promise<void> | undefined;

  constructor(kind: Kind, parts: ReflectorParts) {
    this.#kind = kind;
    this.#parts = parts;
    this.#backoff = new Backoff(parts.options.backoff, parts.chance);
  }

  /** The cache has once been whole. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Resolves when the cache is whole for the first time. */
  whenSynced(): Promise<void> {
    return this.#firstSync.promise;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const wait = await this.#attempt(signal);
      await pause(this.#parts.timers, wait, signal);
    }
  }

  /** One list or watch; how long to wait before the next, milliseconds. */
  async #attempt(signal: AbortSignal): Promise<number> {
    const began = this.#parts.timers.elapsed();
    try {
      if (this.#version === undefined && this.#pagesOnly) {
        await this.#listPages(signal);
        return 0;
      }
      await this.#follow(signal);
    } catch (error) {
      return signal.aborted ? 0 : this.#waitAfter(error);
    }
    // A server, or something before it, that ends every watch at once must not be asked without end.
    if (this.#parts.timers.elapsed() - began < shortLife) return this.#backoff.next();
    this.#backoff.reset();
    return 0;
  }

  async #listPages(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await listObjects(this.#parts.client, this.#kind, signal);
    this.#replace(items, resourceVersion);
  }

  /** Watches on from where the cache is; a watch that begins with a list replaces the cache when the list is whole. */
  async #follow(stopping: AbortSignal): Promise<void> {
    const { client, options, chance, observer, timers } = this.#parts;
    const silent = new AbortController();
    const signal = AbortSignal.any([stopping, silent.signal]);
    const watchdog = new Watchdog(timers, options.listIdle, () => silent.abort());
    const request = {
      kind: this.#kind,
      seconds: Math.floor(options.watchSeconds * (1 + chance())),
      idleMilliseconds: options.idle,
      signal,
      ...(this.#version === undefined ? {} : { resourceVersion: this.#version }),
    };
    const initial = this.#version === undefined ? new Map<string, StoredObject>() : undefined;
    if (initial === undefined) watchdog.stop();
    try {
      for await (const message of watchObjects(client, request)) {
        watchdog.feed();
        if (this.#version === undefined && initial !== undefined) this.#collect(initial, message);
        else this.#take(message);
        if (this.#version !== undefined) watchdog.stop();
      }
    } finally {
      watchdog.stop();
    }
    if (this.#version === undefined) throw new Error("a streaming list ended before it was whole");
    if (!stopping.aborted) observer.restarted(this.#kind, "ended", undefined);
  }

  #collect(initial: Map<string, StoredObject>, message: WatchMessage): void {
    if (message.type === "bookmark") {
      if (message.initialEnd) this.#replace(initial.values(), message.resourceVersion);
      return;
    }
    const { namespace = "", name } = message.object.metadata;
    if (message.type === "deleted") initial.delete(`${namespace}/${name}`);
    else initial.set(`${namespace}/${name}`, message.object);
  }

  #take(message: WatchMessage): void {
    if (message.type === "bookmark") this.#version = message.resourceVersion;
    else {
      this.#version = message.object.metadata.resourceVersion;
      if (message.type === "deleted") this.#parts.cache.remove(message.object);
      else this.#parts.cache.put(message.object);
    }
    this.#backoff.reset();
  }

  #replace(items: Iterable<StoredObject>, resourceVersion: string): void {
    this.#parts.cache.replace(items, resourceVersion);
    this.#version = resourceVersion;
    this.#becomeSynced();
    this.#backoff.reset();
  }

  #becomeSynced(): void {
    this.#synced = true;
    this.#firstSync.resolve();
  }

  #waitAfter(error: unknown): number {
    const { observer, options, chance } = this.#parts;
    const reason = this.#judge(error);
    observer.restarted(this.#kind, reason, error);
    switch (reason) {
      case "absent":
        this.#version = undefined;
        this.#parts.cache.clear();
        this.#becomeSynced();
        return options.absentRetry;
      case "expired":
        this.#version = undefined;
        return this.#backoff.next();
      case "no-streaming":
        this.#pagesOnly = true;
        return 0;
      case "throttled": {
        // Whoever was told the same waits a little differently.
        const asked = (error as KubeFailure).retryAfter ?? 0;
        return Math.max(asked * (1 + chance() / 4), this.#backoff.next());
      }
      case "refused":
      case "broken":
      case "ended":
        return this.#backoff.next();
    }
  }

  #judge(error: unknown): RestartReason {
    if (!(error instanceof KubeFailure)) return "broken";
    if (error.status === 404 && this.#parts.optional) return "absent";
    if (error.status === 410 || error.reason === "Expired" || error.reason === "Gone") return "expired";
    if (error.retryAfter !== undefined || error.status === 429) return "throttled";
    return this.#version === undefined && !this.#pagesOnly && isFinal(error) ? "no-streaming" : "refused";
  }
}

/** A watch that ends sooner than after so many milliseconds did not do its work. */
const shortLife = 1000;

/** Whether the same would be refused again: the server does not know streaming lists, or its etcd does not. */
function isFinal({ status }: KubeFailure): boolean {
  return status !== 401 && status !== 403 && status !== 404 && status !== 503;
}
