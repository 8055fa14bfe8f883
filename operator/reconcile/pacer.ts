import type { CompiledChanges, StoredCompiled } from "./apply.ts";

/** Who decides what is written now, and what in a later round. */
export interface Pacer {
  /** Names of the address sets whose changes wait. All changes that are paced must take these sets in. */
  readonly waiting: Iterable<string>;
  /** What of the changes is to be written now. `stored`: what they were worked out from. */
  pace(stored: StoredCompiled, changes: CompiledChanges): CompiledChanges;
  /** Forgets what was written and what waits: everything will be looked at anew. */
  forget(): void;
}

/** Lets nothing wait. */
export const atOnce: Pacer = { waiting: [], pace: (_stored, changes) => changes, forget: () => undefined };
