import { z } from "zod";
import type { Peer, Service } from "../semantics/policy.ts";
import { twins } from "./cel.ts";
import { peer, toPeer, type WrittenPeer } from "./peer.ts";
import { checked, type Findings } from "./refusal.ts";
import { text, textForms } from "./text.ts";
import {
  checkFamily,
  checkTraffic,
  familyTwins,
  type Traffic,
  toService,
  trafficFields,
  trafficTwins,
} from "./traffic.ts";

/** One entry of a group's `ingress` or `egress`: it means one rule per peer (S-3). */
export interface GroupRule {
  readonly service: Service;
  /** In the order written, so that an index here is an index in `from` or `to`. */
  readonly peers: readonly Peer[];
  readonly description?: string;
}

/** One entry whose group peers may still lack their namespace. */
export interface WrittenRule {
  readonly service: Service;
  readonly peers: readonly WrittenPeer[];
  readonly description?: string | undefined;
}

/** Most entries in one list; the quota of S-15 is the operator's. */
export const mostRules = 1000;

/** Most peers in one entry. With `mostRules` it bounds what CEL may cost; more addresses make a prefix list. */
const mostPeers = 100;

const peers = (documentation: string) => z.array(peer).min(1).max(mostPeers).meta({ description: documentation });
const description = text(textForms.description, "What the rule is for; not part of its identity (S-5).").optional();

function checkRule(rule: Traffic, list: "from" | "to", entries: readonly WrittenPeer[], findings: Findings): void {
  checkTraffic(rule, findings);
  if (!findings.sound("protocol") || !Array.isArray(entries)) return;
  for (const [index, entry] of entries.entries()) {
    if (!findings.sound(list, index) || entry.cidr === undefined) continue;
    checkFamily(rule.protocol, entry.cidr, [list, index, "cidr"], findings);
  }
}

const ruleMeta = (list: "from" | "to", description: string) => ({
  description,
  ...twins(
    ...trafficTwins,
    ...familyTwins(`.${list}`, (holds) => `self.${list}.all(peer, !has(peer.cidr) || ${holds("peer.cidr")})`),
  ),
});

/** A rule for packets that enter the pod. */
export const ingressRule = checked(
  z.strictObject({
    ...trafficFields,
    from: peers("Who may send: at least one peer. Anybody is 0.0.0.0/0 for IPv4 and ::/0 for IPv6 (S-8)."),
    description,
  }),
  (rule, findings) => checkRule(rule, "from", rule.from, findings),
)
  .transform((rule): WrittenRule => ({ service: toService(rule), peers: rule.from, description: rule.description }))
  .meta(ruleMeta("from", "A rule for packets that enter the pod: one for each peer (S-3)."));

/** A rule for packets that leave the pod. */
export const egressRule = checked(
  z.strictObject({
    ...trafficFields,
    to: peers("Who may be sent to: at least one peer. Anybody is 0.0.0.0/0 for IPv4 and ::/0 for IPv6 (S-8)."),
    description,
  }),
  (rule, findings) => checkRule(rule, "to", rule.to, findings),
)
  .transform((rule): WrittenRule => ({ service: toService(rule), peers: rule.to, description: rule.description }))
  .meta(ruleMeta("to", "A rule for packets that leave the pod: one for each peer (S-3)."));

/** The rule in a group of this namespace. */
export function toGroupRule(rule: WrittenRule, namespace: string): GroupRule {
  const peers = rule.peers.map((written) => toPeer(written, namespace));
  return { service: rule.service, peers, ...(rule.description === undefined ? {} : { description: rule.description }) };
}
