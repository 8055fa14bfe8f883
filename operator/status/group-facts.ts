import type { GroupKey } from "../../semantics/policy.ts";
import { type AttachmentSources, hostNetworkPods } from "../resolve/attachment.ts";
import type { Holding } from "../resolve/holders.ts";
import type { Resolution } from "../resolve/resolution.ts";
import type { Named } from "../resolve/rule-sets.ts";
import type { PodFacts, Snapshot } from "../snapshot.ts";
import type { EndpointProgress } from "./progress.ts";

/** What was worked out about some groups and their pods. */
export interface GroupSources
  extends Pick<Resolution, "config" | "prefixLists" | "attachments" | "decisions" | "ruleSets"> {
  readonly snapshot: AttachmentSources & Pick<Snapshot, "pods">;
  /** Keys of all groups. */
  readonly groups: Named<GroupKey>;
}

/** What groups' statuses are told from. */
export interface GroupFacts {
  readonly resolution: GroupSources;
  /** By pod uid. */
  readonly progress: ReadonlyMap<string, EndpointProgress>;
  /** By `Kind namespace/name`. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** Pods on the host's network that each group selects in vain. */
  readonly hostNetwork: ReadonlyMap<GroupKey, readonly PodFacts[]>;
  /** Uids of the pods that have each group. */
  readonly attached: ReadonlyMap<GroupKey, readonly string[]>;
}

/** Gathers these facts once for many groups. */
export function groupFacts(
  resolution: GroupSources,
  progress: GroupFacts["progress"],
  holdings: GroupFacts["holdings"],
): GroupFacts {
  const pairs = [...resolution.attachments].flatMap(([uid, { groups }]) => groups.map(({ key }) => ({ key, uid })));
  const byGroup = Map.groupBy(pairs, ({ key }) => key);
  const attached = new Map([...byGroup].map(([key, own]) => [key, own.map(({ uid }) => uid)]));
  return { resolution, progress, holdings, hostNetwork: hostNetworkPods(resolution.snapshot), attached };
}
