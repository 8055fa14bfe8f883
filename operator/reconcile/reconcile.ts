import type { OperatorConfig } from "../config.ts";
import type { ApiPort, Clock } from "../ports.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { resolve } from "../resolve/resolve.ts";
import { decideStatuses, type StatusChange } from "../status/status.ts";
import { applyCompiled, diffCompiled } from "./apply.ts";
import { applyFinalizers, decideFinalizers } from "./finalize.ts";
import { type Objects, readObjects, toSnapshot } from "./gather.ts";

/**
 * Brings compiled objects, finalizers and statuses in line with the user objects. Returns what was worked out. Rejects
 * with the first `ApiError`; to be called again then: what was written already is not written twice.
 */
export async function reconcile(api: ApiPort, config: OperatorConfig, clock: Clock): Promise<Resolution> {
  const resolution = await reconcileCompiled(api, config);
  await reconcileStatuses(api, resolution, clock);
  return resolution;
}

/** Brings finalizers and compiled objects in line. */
export async function reconcileCompiled(api: ApiPort, config: OperatorConfig): Promise<Resolution> {
  const { objects, resolution } = await settleDeletions(api, config);
  await applyCompiled(api, diffCompiled(objects, resolution.compiled));
  return resolution;
}

/** Writes the statuses that are not as they should be; returns what changed. */
export async function reconcileStatuses(
  api: ApiPort,
  resolution: Resolution,
  clock: Clock,
): Promise<readonly StatusChange[]> {
  const changes = decideStatuses(resolution, clock.now());
  for (const { ref, status } of changes) await api.applyStatus(ref, status);
  return changes;
}

/** An object that goes may be all that held another one: once more until nothing goes. */
async function settleDeletions(
  api: ApiPort,
  config: OperatorConfig,
): Promise<{ readonly objects: Objects; readonly resolution: Resolution }> {
  for (;;) {
    const objects = await readObjects(api);
    const resolution = resolve(toSnapshot(objects), config);
    if (!(await applyFinalizers(api, decideFinalizers(resolution)))) return { objects, resolution };
  }
}
