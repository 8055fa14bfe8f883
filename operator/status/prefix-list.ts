import { describeRef } from "../ports.ts";
import type { PrefixListObject } from "../snapshot.ts";
import { accepted, invalid, notInForce } from "./acceptance.ts";
import { type Condition, type Finding, settle } from "./condition.ts";
import type { ListFacts } from "./list-facts.ts";
import { type Progress, programmedOf, summarise } from "./progress.ts";
import { deletionHeld, type Warning } from "./warning.ts";

/** Status of a PrefixList. */
export interface PrefixListStatus {
  readonly conditions: readonly Condition[];
  readonly entries: number;
  readonly maxEntries: number;
  /** Pods that have rules that refer to it. */
  readonly attached: number;
  /** Of these, pods at whose endpoints the rules are in force; agents do not tell of entries. */
  readonly programmed: number;
  /** How many objects refer to it, and who: `SecurityGroup default/web`, `TrackingPolicy default`. */
  readonly references: number;
  readonly referencedBy: readonly string[];
  readonly warnings: readonly Warning[];
}

/** Works it out. `now` is RFC 3339. */
export function prefixListStatus(list: PrefixListObject, facts: ListFacts, now: string): PrefixListStatus {
  const { by = [] } = facts.holdings.get(describeRef(list.ref)) ?? {};
  const endpoints = facts.endpoints.get(list.ref.name) ?? [];
  const nodes = facts.tracked.has(list.ref.name) ? facts.nodes : [];
  const refusal = invalid(list);
  const programmed = refusal === undefined ? summariseBoth(endpoints, nodes) : notInForce("Programmed");
  return {
    conditions: settle([accepted(refusal), programmed], list.generation, list.status, now),
    entries: list.spec?.entries.length ?? 0,
    maxEntries: list.spec?.maxEntries ?? 0,
    attached: endpoints.length,
    programmed: refusal === undefined ? programmedOf(endpoints) : 0,
    references: by.length,
    referencedBy: by,
    warnings: list.deleting && by.length > 0 ? [deletionHeld(by)] : [],
  };
}

/** What a finding says that counts for more than another's. */
const weight = { False: 2, Unknown: 1, True: 0 } as const;

/** The worse of the two: rules are in force at endpoints, tracking paths on nodes. */
function summariseBoth(endpoints: readonly Progress[], nodes: readonly Progress[]): Finding {
  if (nodes.length === 0) return summarise(endpoints, "endpoint");
  const onNodes = summarise(nodes, "node");
  if (endpoints.length === 0) return onNodes;
  const atEndpoints = summarise(endpoints, "endpoint");
  return weight[onNodes.status] > weight[atEndpoints.status] ? onNodes : atEndpoints;
}
