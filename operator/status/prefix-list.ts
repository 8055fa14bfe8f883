import { describeRef } from "../ports.ts";
import type { Holding } from "../resolve/holders.ts";
import type { PrefixListObject } from "../snapshot.ts";
import { accepted, invalid } from "./acceptance.ts";
import { type Condition, settle } from "./condition.ts";
import { mostListed } from "./listing.ts";
import { deletionHeld, type Warning } from "./warning.ts";

/** Status of a PrefixList. */
export interface PrefixListStatus {
  readonly conditions: readonly Condition[];
  readonly entries: number;
  /** What refers to it: `SecurityGroup default/web`, `TrackingPolicy default`. */
  readonly referencedBy: readonly string[];
  readonly warnings: readonly Warning[];
}

/** Works it out. `now` is RFC 3339. */
export function prefixListStatus(
  list: PrefixListObject,
  holdings: ReadonlyMap<string, Holding>,
  now: string,
): PrefixListStatus {
  const { by = [] } = holdings.get(describeRef(list.ref)) ?? {};
  return {
    conditions: settle([accepted(invalid(list))], list.generation, list.status, now),
    entries: list.spec?.entries.length ?? 0,
    referencedBy: by.slice(0, mostListed),
    warnings: list.deleting && by.length > 0 ? [deletionHeld(by)] : [],
  };
}
