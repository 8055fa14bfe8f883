import { inUseFinalizer } from "../finalizer.ts";
import { type ApiPort, describeRef, type ObjectRef } from "../ports.ts";
import { resolveHoldings } from "../resolve/holders.ts";
import type { Resolution } from "../resolve/resolution.ts";

/** A finalizer to put on or take off. */
export interface FinalizerChange {
  readonly ref: ObjectRef;
  readonly present: boolean;
}

/**
 * The finalizer is on every group and prefix list from the start, so that no deletion can slip in between the first
 * use and it; it goes when a deletion that was asked for has nothing to wait for (S-19).
 */
export function decideFinalizers(resolution: Resolution): readonly FinalizerChange[] {
  const { groups, prefixLists } = resolution.snapshot;
  const holdings = resolveHoldings(resolution);
  return [...groups, ...prefixLists].flatMap(({ ref, deleting, finalized }): readonly FinalizerChange[] => {
    if (!deleting) return finalized ? [] : [{ ref, present: true }];
    const released = holdings.get(describeRef(ref))?.released ?? false;
    return finalized && released ? [{ ref, present: false }] : [];
  });
}

/** Carries the changes out. Whether one took a finalizer off: what was held may be gone. */
export async function applyFinalizers(api: ApiPort, changes: readonly FinalizerChange[]): Promise<boolean> {
  for (const { ref, present } of changes) await api.finalize(ref, inUseFinalizer, present);
  return changes.some(({ present }) => !present);
}
