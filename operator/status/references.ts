import type { GroupKey, Peer, Rule } from "../../semantics/policy.ts";
import type { Named } from "../resolve/rule-sets.ts";
import { placeOf } from "../resolve/rules.ts";
import type { Finding } from "./condition.ts";
import { counted, enumerate } from "./listing.ts";

/** A rule that matches nothing because its peer does not exist (S-12), or a place that names a missing prefix list. */
export interface StaleReference {
  /** `spec.ingress[0].from[1]`. */
  readonly place: string;
  readonly reason: "GroupNotFound" | "PrefixListNotFound";
  readonly message: string;
}

/** Groups and prefix lists that exist. */
export interface Existing {
  readonly groups: Named<GroupKey>;
  readonly prefixLists: Named<string>;
}

function missing(peer: Peer, { groups, prefixLists }: Existing): Omit<StaleReference, "place"> | undefined {
  if ("group" in peer && !groups.has(peer.group)) {
    const message = `SecurityGroup ${peer.group} does not exist; create it, or remove the rule`;
    return { reason: "GroupNotFound", message };
  }
  if ("prefixList" in peer && !prefixLists.has(peer.prefixList)) return missingList(peer.prefixList);
  return undefined;
}

const missingList = (name: string): Omit<StaleReference, "place"> => ({
  reason: "PrefixListNotFound",
  message: `PrefixList ${name} does not exist; create it, or remove the reference`,
});

/** Rules of a group that are stale. */
export function staleRules(rules: readonly Rule[], existing: Existing): readonly StaleReference[] {
  return rules.flatMap(({ direction, origin, peer }) => {
    const found = missing(peer, existing);
    return found === undefined ? [] : [{ place: placeOf(direction, origin), ...found }];
  });
}

/** Tracking paths that name prefix lists that do not exist. */
export function stalePaths(
  paths: readonly { readonly prefixLists: readonly string[] }[],
  lists: Existing["prefixLists"],
): readonly StaleReference[] {
  return paths.flatMap((path, at) =>
    path.prefixLists.flatMap((name, index) =>
      lists.has(name) ? [] : [{ place: `spec.paths[${at}].prefixLists[${index}]`, ...missingList(name) }],
    ),
  );
}

/** The condition that tells whether everything that is referred to exists. */
export function resolved(stale: readonly StaleReference[]): Finding {
  const type = "Resolved";
  if (stale.length === 0)
    return { type, status: "True", reason: "ReferencesResolved", message: "all that is referred to exists" };
  const places = enumerate(stale.map(({ place, message }) => `${place}: ${message}`));
  const message = `${counted(stale.length, "stale reference")}, which match nothing: ${places}`;
  return { type, status: "False", reason: "StaleReferences", message };
}
