import type { GroupKey } from "../../semantics/policy.ts";
import { hostNetworkPods } from "../resolve/attachment.ts";
import type { Holding } from "../resolve/holders.ts";
import type { Resolution } from "../resolve/resolution.ts";
import type { PodFacts } from "../snapshot.ts";
import type { EndpointProgress } from "./progress.ts";

/** What all groups' statuses are told from. */
export interface GroupFacts {
  readonly resolution: Resolution;
  /** By pod uid. */
  readonly progress: ReadonlyMap<string, EndpointProgress>;
  /** By `Kind namespace/name`. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** Pods on the host's network that each group selects in vain. */
  readonly hostNetwork: ReadonlyMap<GroupKey, readonly PodFacts[]>;
  /** Uids of the pods that have each group. */
  readonly attached: ReadonlyMap<GroupKey, readonly string[]>;
}

/** Gathers these facts once for all groups. */
export function groupFacts(
  resolution: Resolution,
  progress: GroupFacts["progress"],
  holdings: GroupFacts["holdings"],
): GroupFacts {
  const pairs = [...resolution.attachments].flatMap(([uid, { groups }]) => groups.map(({ key }) => ({ key, uid })));
  const byGroup = Map.groupBy(pairs, ({ key }) => key);
  const attached = new Map([...byGroup].map(([key, own]) => [key, own.map(({ uid }) => uid)]));
  return { resolution, progress, holdings, hostNetwork: hostNetworkPods(resolution.snapshot), attached };
}
