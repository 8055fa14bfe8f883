import type { OperatorConfig } from "../config.ts";
import type { ApiPort, Clock } from "../ports.ts";
import { holdingSources, resolveHoldings } from "../resolve/holders.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { resolve } from "../resolve/resolve.ts";
import { decideStatuses } from "../status/status.ts";
import { applyCompiled, diffCompiled } from "./apply.ts";
import { concurrently } from "./concurrently.ts";
import { applyFinalizers, decideFinalizers } from "./finalize.ts";
import { type Objects, readObjects, toSnapshot } from "./gather.ts";
import { atOnce } from "./pacer.ts";

/**
 * Brings compiled objects, finalizers and statuses in line with the user objects. Returns what was worked out. Rejects
 * with the first `ApiError`; to be called again then: what was written already is not written twice.
 */
export async function reconcile(api: ApiPort, config: OperatorConfig, clock: Clock): Promise<Resolution> {
  const resolution = await reconcileCompiled(api, config);
  const changes = decideStatuses(resolution, clock.now());
  await concurrently(changes, ({ ref, status }) => api.applyStatus(ref, status));
  return resolution;
}

/** Brings finalizers and compiled objects in line. */
export async function reconcileCompiled(api: ApiPort, config: OperatorConfig, pacer = atOnce): Promise<Resolution> {
  const { objects, resolution } = await settleDeletions(api, config);
  await applyCompiled(api, pacer.pace(objects, diffCompiled(objects, resolution.compiled)));
  return resolution;
}

/** An object that goes may be all that held another one: once more until nothing goes. */
async function settleDeletions(
  api: ApiPort,
  config: OperatorConfig,
): Promise<{ readonly objects: Objects; readonly resolution: Resolution }> {
  for (;;) {
    const objects = await readObjects(api);
    const resolution = resolve(toSnapshot(objects), config);
    const { groups, prefixLists } = resolution.snapshot;
    const changes = decideFinalizers([...groups, ...prefixLists], resolveHoldings(holdingSources(resolution)));
    if ((await applyFinalizers(api, changes)).length === 0) return { objects, resolution };
  }
}
