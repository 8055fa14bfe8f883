import { ApiError, type Kind, type WatchEvent } from "../ports.ts";

interface Entry {
  readonly revision: number;
  readonly event: WatchEvent;
}

interface Follower {
  readonly kind: Kind;
  readonly onEvent: (event: WatchEvent) => void;
}

/** The changes of a store in order, as far as they are remembered, and who follows them. */
export class Journal {
  readonly #remembered: number;
  readonly #entries: Entry[] = [];
  readonly #followers = new Set<Follower>();
  /** The newest revision that is forgotten. */
  #forgotten = 0;

  constructor(remembered: number) {
    this.#remembered = remembered;
  }

  add(revision: number, event: WatchEvent): void {
    this.#entries.push({ revision, event });
    if (this.#entries.length > this.#remembered) this.#forgotten = this.#entries.shift()?.revision ?? this.#forgotten;
    for (const follower of [...this.#followers]) if (follower.kind === event.object.kind) follower.onEvent(event);
  }

  /** Replays what came after `revision`, then follows. */
  follow(kind: Kind, revision: number, onEvent: (event: WatchEvent) => void): () => void {
    if (revision < this.#forgotten)
      throw new ApiError("Expired", `resourceVersion ${revision} of ${kind} is too old; list again`);
    for (const { revision: at, event } of [...this.#entries])
      if (at > revision && event.object.kind === kind) onEvent(event);
    const follower = { kind, onEvent };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}
