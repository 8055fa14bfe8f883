import { parseCidr } from "../semantics/address.ts";
import type {
  Allowances,
  Cidr,
  CompiledState,
  Direction,
  EndpointPolicy,
  GroupKey,
  Rule,
  RuleSet,
} from "../semantics/policy.ts";
import { plainConfig } from "../semantics/test/config.ts";
import { addressing, families } from "./packets.ts";

/** Port that the rules permit from the remotes' range: tracked. */
export const trackedPort = 443;
/** Port that the rules permit from anywhere, while they permit everything to leave: untracked (S-50). */
export const untrackedPort = 80;
/** Port that no rule permits. */
export const closedPort = 23;

/** The pods, one for each thing that an endpoint's state decides. */
export const pods = ["established", "untracked", "new", "over"] as const;
export type Pod = (typeof pods)[number];

/** A CIDR that is written in this program's own text. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) {
    throw new TypeError(`${text}: ${parsed.problem}`);
  }
  return parsed.value;
}

function rule(direction: Direction, peer: string, service: Rule["service"]): Rule {
  const origin = { group: "bench/group" as GroupKey, rule: 0, peer: 0 };
  return { direction, service, peer: { cidr: cidr(peer) }, origin };
}

function port(from: number, to = from): Rule["service"] {
  return { protocol: 6, ports: { from, to } };
}

/** Rules that match none of the packets: distinct ports and distinct prefixes, as real ones have. */
function fillers(count: number): Rule[] {
  return Array.from({ length: count }, (_, i) => [
    rule("ingress", `203.0.${i >> 8}.${i & 255}/32`, port(10_000 + i)),
    rule("ingress", `2001:db8:3:${i.toString(16)}::/64`, port(10_000 + i)),
  ]).flat();
}

const everything: Rule["service"] = { protocol: -1 };
const anyPeers = ["0.0.0.0/0", "::/0"];

function ruleSet(name: string, rules: readonly Rule[]): RuleSet {
  return { name, revision: `${rules.length}`, groups: ["bench/group" as GroupKey], rules };
}

/** `count` ingress rules in each family, the one that matters last. */
function ruleSets(count: number): RuleSet[] {
  const tracked = families.map((family) => rule("ingress", addressing[family].cidr, port(trackedPort)));
  const untracked = anyPeers.map((peer) => rule("ingress", peer, port(untrackedPort)));
  const leaving = anyPeers.map((peer) => rule("egress", peer, everything));
  return [
    ruleSet("tracked", [...fillers(count - 1), ...tracked, ...leaving]),
    ruleSet("untracked", [...fillers(count - 1), ...untracked, ...leaving]),
  ];
}

function allowances(pod: Pod): Allowances {
  const timeouts = { tcpEstablished: 432_000, udpStream: 180, udp: 60 };
  return { conntrackMax: pod === "over" ? 0 : 4_000_000, timeouts };
}

function endpoint(pod: Pod): EndpointPolicy {
  return {
    pod: { namespace: "bench", name: pod, uid: pod },
    ruleSet: pod === "untracked" ? "untracked" : "tracked",
    allowances: allowances(pod),
    trackedPorts: [],
  };
}

/** What the operator would have written for a node with these pods and rule sets of `count` rules a family. */
export function compiledState(count: number): CompiledState {
  return {
    config: plainConfig,
    ruleSets: ruleSets(count),
    acls: [],
    addressSets: [],
    node: { node: "bench", endpoints: pods.map(endpoint) },
  };
}
