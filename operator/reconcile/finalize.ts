import { inUseFinalizer } from "../finalizer.ts";
import { type ApiPort, describeRef, type ObjectRef } from "../ports.ts";
import type { Holding } from "../resolve/holders.ts";
import type { UserObject } from "../snapshot.ts";
import { concurrently } from "./concurrently.ts";

/** A finalizer to put on or take off. */
export interface FinalizerChange {
  readonly ref: ObjectRef;
  readonly present: boolean;
}

/**
 * The finalizer is on every group and prefix list from the start, so that no deletion can slip in between the first
 * use and it; it goes when a deletion that was asked for has nothing to wait for (S-19).
 */
export function decideFinalizers(
  objects: readonly UserObject<unknown>[],
  holdings: ReadonlyMap<string, Holding>,
): readonly FinalizerChange[] {
  return objects.flatMap(({ ref, deleting, finalized }): readonly FinalizerChange[] => {
    if (!deleting) return finalized ? [] : [{ ref, present: true }];
    const released = holdings.get(describeRef(ref))?.released ?? false;
    return finalized && released ? [{ ref, present: false }] : [];
  });
}

/** Carries the changes out; returns what lost its finalizer, which may be gone. */
export async function applyFinalizers(
  api: ApiPort,
  changes: readonly FinalizerChange[],
): Promise<readonly ObjectRef[]> {
  await concurrently(changes, ({ ref, present }) => api.finalize(ref, inUseFinalizer, present));
  return changes.filter(({ present }) => !present).map(({ ref }) => ref);
}
