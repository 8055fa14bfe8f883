import { forceDeleteAnnotation } from "../finalizer.ts";
import { describeRef } from "../ports.ts";
import type { JudgedGroup } from "../resolve/judgement.ts";
import type { GroupFacts } from "./group-facts.ts";
import { counted, enumerate } from "./listing.ts";

/** Something that works but may not be what was meant. */
export interface Warning {
  readonly reason: "EndpointRefused" | "HostNetwork" | "InvalidPrefixList" | "DeletionHeld";
  readonly message: string;
}

/** Why an object is still there although it is to be deleted (S-19). */
export function deletionHeld(by: readonly string[]): Warning {
  return {
    reason: "DeletionHeld",
    message: `its deletion waits for ${enumerate(by)}; detach or change these, or set the annotation ${forceDeleteAnnotation}`,
  };
}

/** Everything about a group that should be looked at. `uids` are those of the pods that have it. */
export function groupWarnings(judged: JudgedGroup, uids: readonly string[], facts: GroupFacts): readonly Warning[] {
  const found = [
    refusedEndpoints(uids, facts),
    hostNetwork(judged, facts),
    invalidPrefixLists(judged, facts),
    heldDeletion(judged, facts),
  ];
  return found.filter((warning) => warning !== undefined);
}

/** Pods with too many groups or rules, or whose other objects are refused (S-15, S-75). */
function refusedEndpoints(uids: readonly string[], { resolution }: GroupFacts): Warning | undefined {
  const refusals = uids.map((uid) => resolution.decisions.get(uid)?.refused).filter((text) => text !== undefined);
  if (refusals.length === 0) return undefined;
  const reasons = enumerate([...new Set(refusals)]);
  const message = `${counted(refusals.length, "pod")} of this group keep an older policy or are closed: ${reasons}`;
  return { reason: "EndpointRefused", message };
}

function hostNetwork({ group }: JudgedGroup, facts: GroupFacts): Warning | undefined {
  const pods = (facts.hostNetwork.get(group.key) ?? []).map(({ namespace, name }) => `${namespace}/${name}`);
  if (pods.length === 0) return undefined;
  const message = `selects pods on the host's network, which no group can filter: ${enumerate(pods)}`;
  return { reason: "HostNetwork", message };
}

function invalidPrefixLists({ rules }: JudgedGroup, { resolution }: GroupFacts): Warning | undefined {
  const names = rules.flatMap(({ peer }) => {
    const list = "prefixList" in peer ? resolution.prefixLists.get(peer.prefixList) : undefined;
    return list !== undefined && list.spec === undefined ? [list.ref.name] : [];
  });
  if (names.length === 0) return undefined;
  const message = `refers to invalid prefix lists, which keep their last good entries: ${enumerate([...new Set(names)])}`;
  return { reason: "InvalidPrefixList", message };
}

function heldDeletion({ group }: JudgedGroup, { holdings }: GroupFacts): Warning | undefined {
  const { by = [] } = holdings.get(describeRef(group.ref)) ?? {};
  return group.deleting && by.length > 0 ? deletionHeld(by) : undefined;
}
