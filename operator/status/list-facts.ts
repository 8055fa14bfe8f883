import type { Holding } from "../resolve/holders.ts";
import type { Policies } from "../resolve/policies.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { referencesOf } from "../resolve/rule-sets.ts";
import { trackingPolicyOf } from "../resolve/tracking.ts";
import { configProgress, type EndpointProgress, type Progress } from "./progress.ts";

/** What all prefix lists' statuses are told from. */
export interface ListFacts {
  /** By `Kind namespace/name`. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** How far the endpoints are whose rules refer to each list, by the list's name. */
  readonly endpoints: ReadonlyMap<string, readonly Progress[]>;
  /** Names of the lists that tracking paths refer to. */
  readonly tracked: ReadonlySet<string>;
  /** How far every node is with tracking paths. */
  readonly nodes: readonly Progress[];
}

/** Gathers these facts once for all lists. */
export function listFacts(
  resolution: Resolution,
  progress: ReadonlyMap<string, EndpointProgress>,
  holdings: ListFacts["holdings"],
): ListFacts {
  const { snapshot } = resolution;
  const paths = trackingPolicyOf(snapshot)?.spec?.paths ?? [];
  return {
    holdings,
    endpoints: endpointsByList(resolution, progress),
    tracked: new Set(paths.flatMap(({ prefixLists }) => prefixLists)),
    nodes: configProgress(resolution),
  };
}

/** How far the endpoints are whose rules refer to each prefix list, by the list's name. */
export function endpointsByList(
  { ruleSets, decisions }: Pick<Policies, "ruleSets" | "decisions">,
  progress: ReadonlyMap<string, EndpointProgress>,
): ListFacts["endpoints"] {
  const lists = new Map(
    ruleSets.map(({ name, rules }) => [name, referencesOf(rules.map(({ peer }) => peer)).prefixLists]),
  );
  const endpoints = new Map<string, Progress[]>();
  for (const [uid, { filters }] of decisions) {
    const one = progress.get(uid)?.filters;
    if (one === undefined) continue;
    for (const list of lists.get(filters.ruleSet ?? "") ?? []) {
      const own = endpoints.get(list) ?? [];
      own.push(one);
      endpoints.set(list, own);
    }
  }
  return endpoints;
}
