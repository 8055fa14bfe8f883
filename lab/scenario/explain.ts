import { placeOf } from "../../operator/resolve/rules.ts";
import type { Packet } from "../../semantics/packet.ts";
import type { AclRule, CompiledState, Direction, EndpointPolicy, Rule, RuleSet } from "../../semantics/policy.ts";
import { anyPeerAllPorts, anyPeerPorts } from "../../semantics/tracking.ts";
import type { Reason, Verdict } from "../../semantics/verdict.ts";
import { aclMisfits, describePeer, describeService, type Misfit, ruleMisfits, type Traffic, trafficOf } from "./fit.ts";

/** One verdict of one endpoint, and what it was on. */
export interface ExplainedVerdict {
  readonly uid: string;
  readonly direction: Direction;
  readonly verdict: Verdict;
  /** Absent where no packet is known: nothing was sent. */
  readonly packet: Packet | undefined;
}

/** Why an endpoint judged a packet as it did, line by line: its groups, its reason, the rule or the nearest one. */
export function explainVerdict(state: CompiledState, seen: ExplainedVerdict): readonly string[] {
  const endpoint = endpointOf(state, seen.uid);
  const { verdict, direction, packet } = seen;
  const lines = [...explainEndpoint(state, seen.uid), `${direction}: ${reasonTexts[verdict.reason]}`];
  if (packet === undefined || endpoint === undefined) return lines;
  const traffic = trafficOf(packet, direction);
  if (verdict.reason === "acl-deny") return [...lines, explainAcl(state, endpoint, direction, traffic)];
  if (!restsOnRules.has(verdict.reason)) return lines;
  const ruleSet = ruleSetOf(state, endpoint);
  if (ruleSet === undefined) return lines;
  return [
    ...lines,
    explainRules(state, ruleSet, direction, traffic),
    ...explainTracking(ruleSet, endpoint, direction, traffic, verdict),
  ];
}

/** What filters an endpoint: its groups, its ACL and its connections. */
export function explainEndpoint(state: CompiledState, uid: string): readonly string[] {
  const endpoint = endpointOf(state, uid);
  if (endpoint === undefined) return [`the node has no policy for endpoint ${uid}`];
  const { pod, acl, closed, allowances } = endpoint;
  const parts = [
    groupsText(closed, ruleSetOf(state, endpoint)),
    ...(acl === undefined ? [] : [`network ACL of namespace ${pod.namespace}`]),
    `at most ${allowances.conntrackMax} connections`,
  ];
  return [`pod ${pod.namespace}/${pod.name}: ${parts.join("; ")}`];
}

const endpointOf = ({ node }: CompiledState, uid: string): EndpointPolicy | undefined =>
  node.endpoints.find(({ pod }) => pod.uid === uid);

const ruleSetOf = ({ ruleSets }: CompiledState, { ruleSet }: EndpointPolicy): RuleSet | undefined =>
  ruleSets.find(({ name }) => name === ruleSet);

function groupsText(closed: string | undefined, ruleSet: RuleSet | undefined): string {
  if (closed !== undefined) return `closed, because ${closed}`;
  return ruleSet === undefined ? "no group selects it" : `groups ${ruleSet.groups.join(", ")}`;
}

/** What each reason means, for people. */
const reasonTexts: Readonly<Record<Reason, string>> = {
  rule: "a rule permits it",
  connection: "it belongs to a tracked connection, whatever the rules say now (S-30)",
  related: "it is an ICMP error about a flow that may pass (S-34)",
  untracked: "rules permit the flow from and to anybody, so it is not tracked (S-50)",
  exempt: "it is of a kind that is never filtered, or of the node itself (S-20)",
  unfiltered: "nothing filters the pod",
  "no-rule": "it belongs to no tracked connection, and no rule permits it (S-1)",
  "acl-deny": "the network ACL denies it (S-88)",
  "conntrack-allowance": "it needs a new entry, and the pod is at its maximum (S-70)",
  "table-full": "it needs a new entry, and the node's table is full (S-72)",
  "bandwidth-allowance": "it is over the pod's bandwidth",
  "packet-allowance": "it is over the pod's packet rate",
  "linklocal-allowance": "it is over the rate for link-local services",
  fragment: "its first fragment was not seen (S-41)",
  malformed: "its headers make no sense (S-40)",
  spoofed: "the pod's side of it is no address of the pod (S-22)",
  "not-programmed": "the endpoint is closed until its policy is in force (S-75)",
};

/** Reasons behind which the rules of groups stand. */
const restsOnRules: ReadonlySet<Reason> = new Set(["rule", "untracked", "no-rule", "conntrack-allowance"]);

/** A rule, and what of the packet it does not match. */
interface Candidate {
  readonly text: string;
  readonly misfits: readonly Misfit[];
}

const textOf = ({ misfits }: Candidate): string => misfits.map(({ text }) => text).join(", ");

const distance = ({ misfits }: Candidate): number => misfits.reduce((sum, misfit) => sum + misfit.distance, 0);

/** The candidate that matches, else the one that comes nearest; the first of several. */
function nearest(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.reduce<Candidate | undefined>(
    (best, one) => (best === undefined || distance(one) < distance(best) ? one : best),
    undefined,
  );
}

function describeRule({ direction, origin, service, peer }: Rule): string {
  const word = direction === "ingress" ? "from" : "to";
  return `${origin.group} ${placeOf(direction, origin)} (${describeService(service)} ${word} ${describePeer(peer)})`;
}

function explainRules(state: CompiledState, { rules }: RuleSet, direction: Direction, traffic: Traffic): string {
  const found = nearest(
    rules
      .filter((rule) => rule.direction === direction)
      .map((rule) => ({ text: describeRule(rule), misfits: ruleMisfits(rule, traffic, state.addressSets) })),
  );
  if (found === undefined) return `the groups have no ${direction} rule`;
  return distance(found) === 0 ? `matched: ${found.text}` : `nearest rule: ${found.text}: ${textOf(found)}`;
}

function describeAclRule({ number, action, service, cidr }: AclRule): string {
  return `rule ${number} (${action} ${describeService(service)}, ${cidr})`;
}

/** The rule that denies; where it is the final one, the allowing rule that came nearest. */
function explainAcl(state: CompiledState, endpoint: EndpointPolicy, direction: Direction, traffic: Traffic): string {
  const acl = state.acls.find(({ name }) => name === endpoint.acl);
  const candidates = (acl?.rules ?? [])
    .filter((rule) => rule.direction === direction)
    .map((rule) => ({
      allows: rule.action === "allow",
      text: describeAclRule(rule),
      misfits: aclMisfits(rule, traffic),
    }));
  const first = candidates.find((candidate) => distance(candidate) === 0);
  if (first !== undefined) return `matched: ${first.text}`;
  const close = nearest(candidates.filter(({ allows }) => allows));
  const final = "no rule of the network ACL matches, so the final * denies";
  return close === undefined ? final : `${final}; nearest: ${close.text}: ${textOf(close)}`;
}

/** Why a TCP or UDP packet that begins a flow in this direction is tracked or untracked (S-50, S-60). */
function explainTracking(
  { rules }: RuleSet,
  { trackedPorts }: EndpointPolicy,
  direction: Direction,
  { protocol, port, remote }: Traffic,
  { tracking }: Verdict,
): readonly string[] {
  if (port === undefined || (protocol !== 6 && protocol !== 17) || tracking !== "tracked") return [];
  const family = remote.includes(":") ? 6 : 4;
  const anybody = family === 6 ? "::/0" : "0.0.0.0/0";
  const back = direction === "ingress" ? "egress" : "ingress";
  if (!anyPeerPorts(rules, direction, protocol, family).some(({ from, to }) => port >= from && port <= to))
    return [`tracked: no ${direction} rule permits port ${port} with the peer ${anybody} (S-50)`];
  if (!anyPeerAllPorts(rules, back, protocol, family))
    return [`tracked: no ${back} rule permits all ports with the peer ${anybody} (S-50)`];
  if (direction === "ingress" && trackedPorts.some((own) => own.protocol === protocol && own.port === port))
    return [`tracked: port ${port} is reached through a tracking path (S-60)`];
  return ["tracked: the remote address is reached through a tracking path, or the entry is older than the rules"];
}
