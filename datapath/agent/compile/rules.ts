import { familyOf } from "../../../semantics/address.ts";
import type { AclSet, AddressSet, Cidr, Direction, Family, Rule, RuleSet, Service } from "../../../semantics/policy.ts";

/** A rule as the classifier sees it, of a security group or of a network ACL. */
export interface CompilerRule {
  readonly direction: Direction;
  readonly service: Service;
  /** CIDRs that the peer means now. */
  readonly cidrs: readonly Cidr[];
  /** The label whose addresses the peer means, where it is a group or a namespace. */
  readonly label?: Label;
  /** Families in which the rule can match. */
  readonly families: readonly Family[];
  readonly allow: boolean;
  /** Index in `RuleSet.rules` or `AclSet.rules`; absent: made by the compiler. */
  readonly source?: number;
}

const bothFamilies: readonly Family[] = [4, 6];

/** What a rule's peer calls an address by: the groups it is a member of, the namespace it is a pod of. */
export type Label = string & { readonly label: unique symbol };

/** Stands for the members of a group. */
export function groupLabel(group: string): Label {
  return `group ${group}` as Label;
}

/** Stands for the pods of a namespace. */
export function namespaceLabel(namespace: string): Label {
  return `namespace ${namespace}` as Label;
}

/** Content of the prefix lists by name; one that does not exist is empty (S-12). */
export type PrefixLists = ReadonlyMap<string, readonly Cidr[]>;

/** Gathers the prefix lists of a node out of their slices. */
export function indexPrefixLists(sets: readonly AddressSet[]): PrefixLists {
  const lists = new Map<string, Cidr[]>();
  for (const set of sets) {
    if (set.kind === "prefixList") {
      lists.set(set.prefixList, [...(lists.get(set.prefixList) ?? []), ...set.cidrs]);
    }
  }
  return lists;
}

function familiesOf(cidrs: readonly Cidr[]): readonly Family[] {
  return [...new Set(cidrs.map(familyOf))];
}

function fromCidrs(cidrs: readonly Cidr[]): Pick<CompilerRule, "cidrs" | "families"> {
  return { cidrs, families: familiesOf(cidrs) };
}

function groupRule(rule: Rule, source: number, lists: PrefixLists): CompilerRule {
  const { direction, service, peer } = rule;
  const common = { direction, service, allow: true, source };
  if ("cidr" in peer) {
    return { ...common, ...fromCidrs([peer.cidr]) };
  }
  if ("prefixList" in peer) {
    return { ...common, ...fromCidrs(lists.get(peer.prefixList) ?? []) };
  }
  return { ...common, cidrs: [], label: groupLabel(peer.group), families: bothFamilies };
}

/** Rules of a rule set; order carries no meaning. */
export function rulesOfRuleSet(ruleSet: RuleSet, lists: PrefixLists): CompilerRule[] {
  return ruleSet.rules.map((rule, index) => groupRule(rule, index, lists));
}

/** Rules of an ACL in the order in which they decide, behind one that lets the namespace's own pods through (S-83). */
export function rulesOfAcl(acl: AclSet): CompilerRule[] {
  const own = (["ingress", "egress"] as const).map(
    (direction): CompilerRule => ({
      direction,
      service: { protocol: -1 },
      cidrs: [],
      label: namespaceLabel(acl.namespace),
      families: bothFamilies,
      allow: true,
    }),
  );
  const numbered = acl.rules
    .map((rule, source) => ({ rule, source }))
    .sort((a, b) => a.rule.number - b.rule.number)
    .map(
      ({ rule, source }): CompilerRule => ({
        direction: rule.direction,
        service: rule.service,
        ...fromCidrs([rule.cidr]),
        allow: rule.action === "allow",
        source,
      }),
    );
  return [...own, ...numbered];
}
