import { type CacheChange, ObjectCache } from "../kube/cache.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Chance, Timers } from "../kube/ports.ts";
import { Reflector, type ReflectorObserver, type ReflectorOptions } from "../kube/reflector.ts";
import { type Kind, kinds } from "../ports.ts";

/** Kinds that belong to somebody else and may not be installed. */
const optionalKinds: ReadonlySet<Kind> = new Set(["SecurityGroupPolicy"]);

/** What the caches of a real API server need. */
export interface CacheParts {
  readonly client: KubeClient;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly observer: ReflectorObserver;
  readonly options: ReflectorOptions;
}

/** The objects of every kind, kept as the API server has them. */
export class Caches {
  readonly #caches: Readonly<Record<Kind, ObjectCache>>;
  #reflectors: readonly Reflector[] = [];

  constructor(onChange: (change: CacheChange) => void) {
    const names = Object.keys(kinds) as Kind[];
    this.#caches = Object.fromEntries(names.map((kind) => [kind, new ObjectCache(kind, onChange)])) as Readonly<
      Record<Kind, ObjectCache>
    >;
  }

  of(kind: Kind): ObjectCache {
    return this.#caches[kind];
  }

  /** All of them, by kind. */
  entries(): readonly (readonly [Kind, ObjectCache])[] {
    return Object.entries(this.#caches) as [Kind, ObjectCache][];
  }

  /** Begins to read from an API server. */
  start(parts: CacheParts): void {
    this.#reflectors = this.entries().map(
      ([kind, cache]) => new Reflector(kind, { ...parts, cache, optional: optionalKinds.has(kind) }),
    );
    for (const reflector of this.#reflectors) reflector.start();
  }

  /** Every cache has once been whole. */
  get synced(): boolean {
    return this.#reflectors.length > 0 && this.#reflectors.every(({ synced }) => synced);
  }

  async whenSynced(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.whenSynced()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
  }
}
