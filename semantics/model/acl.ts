import type { AclSet, Direction } from "../policy.ts";
import type { PrefixSet } from "./prefixes.ts";
import { matchesService, type PeerSets, servicePort } from "./rules.ts";
import type { PacketView } from "./view.ts";

interface NumberedRule {
  readonly index: number;
  readonly matches: (view: PacketView) => boolean;
  readonly allows: boolean;
}

/** Whether the ACL allows a packet; `rule` is the index in `AclSet.rules` of the one that decided. */
export interface AclAnswer {
  readonly allows: boolean;
  readonly rule?: number;
}

/** A namespace's network ACL. Stateless: each packet is judged by the rules of its own direction (S-81). */
export class Acl {
  readonly #rules: Readonly<Record<Direction, readonly NumberedRule[]>>;
  readonly #namespace: PrefixSet;

  constructor({ rules, namespace }: AclSet, sets: PeerSets) {
    const inOrder = (direction: Direction): NumberedRule[] =>
      rules
        .map((rule, index) => ({ rule, index, peers: sets.cidr(rule.cidr) }))
        .filter(({ rule }) => rule.direction === direction)
        .sort((a, b) => a.rule.number - b.rule.number)
        .map(({ rule, index, peers }) => ({
          index,
          matches: (view) => matchesService(rule.service, view, servicePort(view, direction)) && peers.has(view.remote),
          allows: rule.action === "allow",
        }));
    this.#rules = { ingress: inOrder("ingress"), egress: inOrder("egress") };
    this.#namespace = sets.namespace(namespace);
  }

  /** The lowest number that matches decides; what none matches is denied (S-80), but between pods of the namespace (S-83). */
  judge(view: PacketView): AclAnswer {
    if (this.#namespace.has(view.remote)) return { allows: true };
    const decisive = this.#rules[view.direction].find(({ matches }) => matches(view));
    return decisive === undefined ? { allows: false } : { allows: decisive.allows, rule: decisive.index };
  }
}
