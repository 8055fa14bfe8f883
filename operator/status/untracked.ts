import { protocolName } from "../../crds/protocol.ts";
import type { Direction, Family, Rule, RuleSet } from "../../semantics/policy.ts";
import { anyPeerPorts, isAnyPeer } from "../../semantics/tracking.ts";
import type { JudgedGroup } from "../resolve/judgement.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { compileRuleSet } from "../resolve/rule-sets.ts";
import { placeOf } from "../resolve/rules.ts";

/** A rule of a group whose flows are untracked (S-50), and the rule the other way that makes them so. */
export interface UntrackedRule {
  readonly place: string;
  readonly message: string;
}

const opposite: Readonly<Record<Direction, Direction>> = { ingress: "egress", egress: "ingress" };

/** Protocols that can be untracked (S-33), of those that a rule permits. */
const protocolsOf = ({ service }: Rule): readonly (6 | 17)[] =>
  ([6, 17] as const).filter((protocol) => service.protocol === protocol || service.protocol === -1);

/** The rule that permits all ports of the protocol to anybody in the other direction. */
function counterpart({ direction }: Rule, { rules }: RuleSet, protocol: 6 | 17, family: Family): Rule | undefined {
  return rules.find((rule) =>
    anyPeerPorts([rule], opposite[direction], protocol, family).some(({ from, to }) => from === 0 && to === 0xffff),
  );
}

function explain(rule: Rule, ruleSet: RuleSet): string | undefined {
  const family = ([4, 6] as const).find((version) => isAnyPeer(rule.peer, version));
  if (family === undefined) return undefined;
  for (const protocol of protocolsOf(rule)) {
    const other = counterpart(rule, ruleSet, protocol, family);
    if (other === undefined) continue;
    const place = `${placeOf(other.direction, other.origin)} of ${other.origin.group}`;
    return `${protocolName(protocol)} flows over IPv${family} that it permits are not tracked, because ${place} permits all ports the other way; they are cut as soon as rules no longer permit them (S-50, S-53)`;
  }
  return undefined;
}

/** Rules of a group that leave flows untracked at some endpoint; of one that is attached nowhere, at any that had it alone. */
export function untrackedRules(
  judged: JudgedGroup,
  { ruleSets: all }: Pick<Resolution, "ruleSets">,
): readonly UntrackedRule[] {
  const attached = all.filter(({ groups }) => groups.includes(judged.group.key));
  const ruleSets = attached.length > 0 ? attached : [compileRuleSet([judged])];
  return judged.rules.flatMap((rule) => {
    const message = ruleSets.map((ruleSet) => explain(rule, ruleSet)).find((found) => found !== undefined);
    return message === undefined ? [] : [{ place: placeOf(rule.direction, rule.origin), message }];
  });
}
