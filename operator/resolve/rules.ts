import { ruleIdentity } from "../../crds/duplicates.ts";
import type { Direction, Family, Peer, Rule, RuleOrigin } from "../../semantics/policy.ts";
import type { GroupObject, PrefixListObject } from "../snapshot.ts";

/** Directions in the order in which they are listed everywhere. */
const directions = ["ingress", "egress"] as const satisfies readonly Direction[];

/** Where a rule was written in its group: `spec.ingress[0].from[1]`. */
export function placeOf(direction: Direction, { rule, peer }: Pick<RuleOrigin, "rule" | "peer">): string {
  return `spec.${direction}[${rule}].${direction === "ingress" ? "from" : "to"}[${peer}]`;
}

/** A literal rule that repeats an earlier one of its group (S-5). */
interface Duplicate {
  readonly direction: Direction;
  readonly origin: RuleOrigin;
  /** The one that counts. */
  readonly first: RuleOrigin;
}

/** The literal rules of one group. */
export interface GroupRules {
  readonly rules: readonly Rule[];
  readonly duplicates: readonly Duplicate[];
}

/** One rule per service and peer, exact duplicates once (S-3, S-5). A group that the schema refuses has none. */
export function literalRules({ key, spec }: GroupObject): GroupRules {
  const seen = new Map<string, Rule>();
  const duplicates: Duplicate[] = [];
  for (const direction of directions) {
    for (const [rule, { service, peers }] of (spec?.[direction] ?? []).entries()) {
      for (const [index, peer] of peers.entries()) {
        const origin = { group: key, rule, peer: index };
        const identity = ruleIdentity(direction, service, peer);
        const first = seen.get(identity);
        if (first !== undefined) duplicates.push({ direction, origin, first: first.origin });
        else seen.set(identity, { direction, service, peer, origin });
      }
    }
  }
  return { rules: [...seen.values()], duplicates };
}

/** IP version of a peer that has one. */
function familyOfCidr(cidr: string): Family {
  return cidr.includes(":") ? 6 : 4;
}

/** How many rules count against the quota, per direction and family (S-15). */
export interface RuleCounts {
  readonly ingress: Readonly<Record<"ipv4" | "ipv6", number>>;
  readonly egress: Readonly<Record<"ipv4" | "ipv6", number>>;
}

/** What a rule with this peer counts in a family: a CIDR 1, a group 1 in both, a prefix list its `maxEntries` (S-16). */
function weight(peer: Peer, family: Family, lists: ReadonlyMap<string, PrefixListObject>): number {
  if ("cidr" in peer) return familyOfCidr(peer.cidr) === family ? 1 : 0;
  if ("group" in peer) return 1;
  const list = lists.get(peer.prefixList)?.spec;
  if (list === undefined) return 1;
  return (list.addressFamily === "IPv4") === (family === 4) ? list.maxEntries : 0;
}

/** Counts rules as S-16 says. A prefix list that does not exist counts as one rule in each family. */
export function countRules(rules: readonly Rule[], lists: ReadonlyMap<string, PrefixListObject>): RuleCounts {
  const count = (direction: Direction, family: Family) =>
    rules.reduce((sum, rule) => sum + (rule.direction === direction ? weight(rule.peer, family, lists) : 0), 0);
  return {
    ingress: { ipv4: count("ingress", 4), ipv6: count("ingress", 6) },
    egress: { ipv4: count("egress", 4), ipv6: count("egress", 6) },
  };
}

/** The counts that are over a maximum, in words; empty if none is. */
export function overQuota(counts: RuleCounts, most: number): readonly string[] {
  return directions.flatMap((direction) =>
    (["ipv4", "ipv6"] as const)
      .filter((family) => counts[direction][family] > most)
      .map((family) => `${counts[direction][family]} ${direction} rules for ${family === "ipv4" ? "IPv4" : "IPv6"}`),
  );
}

/** Sum of counts, for the rules of several groups on one endpoint. */
export function sumCounts(all: readonly RuleCounts[]): RuleCounts {
  const sum = (direction: Direction, family: "ipv4" | "ipv6") =>
    all.reduce((total, counts) => total + counts[direction][family], 0);
  return {
    ingress: { ipv4: sum("ingress", "ipv4"), ipv6: sum("ingress", "ipv6") },
    egress: { ipv4: sum("egress", "ipv4"), ipv6: sum("egress", "ipv6") },
  };
}
