import { parseCidr } from "../../semantics/address.ts";
import type {
  Allowances,
  CompiledState,
  Direction,
  GroupKey,
  IcmpMatch,
  Rule,
  Service,
} from "../../semantics/policy.ts";
import { known } from "../engine/test/fixture.ts";

/** A pod of these tests. */
export interface Pod {
  readonly kind: "pod";
  readonly name: string;
  readonly uid: string;
  readonly addresses: readonly ReturnType<typeof known>[];
}

const pod = (name: string, ...addresses: string[]): Pod => ({
  kind: "pod",
  name,
  uid: `uid-${name}`,
  addresses: addresses.map(known),
});

/** Has CAP_NET_RAW and bad intentions. */
export const attacker = pod("attacker", "10.244.1.66", "fd00:244:1::66");
/** Shares the node with the attacker. */
export const victim = pod("victim", "10.244.1.20", "fd00:244:1::20");
/** A machine elsewhere. */
export const outside = {
  kind: "host",
  name: "outside",
  addresses: [known("203.0.113.1"), known("2001:db8::1")],
} as const;

const everyone = ["10.244.0.0/16", "203.0.113.0/24", "fd00:244::/32", "2001:db8::/32"];
const group = "default/adversary" as GroupKey;

/** What a rule matches, by the parts that differ. */
function service(protocol: number, port?: number): Service {
  const icmp: IcmpMatch = { type: -1, code: -1 };
  if (protocol === 1 || protocol === 58) return { protocol, icmp };
  return port === undefined ? { protocol } : { protocol, ports: { from: port, to: port } };
}

function cidrOf(text: string) {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.value;
}

/** One rule for each peer. */
const allow = (direction: Direction, what: Service, cidrs: readonly string[]): Rule[] =>
  cidrs.map((cidr) => ({
    direction,
    service: what,
    peer: { cidr: cidrOf(cidr) },
    origin: { group, rule: 0, peer: 0 },
  }));

/** Everything out, all of it tracked; in only tcp 8080 from outside. */
export const attackerRules: readonly Rule[] = [
  ...allow("egress", service(-1), ["0.0.0.0/0", "::/0"]),
  ...allow("ingress", service(6, 8080), ["203.0.113.0/24", "2001:db8::/32"]),
];

/** In: tcp 80, udp 53, pings and protocol 253, from everyone. Out: tcp 443 to the outside. */
export const victimRules: readonly Rule[] = [
  ...[service(6, 80), service(17, 53), service(1), service(58), service(253)].flatMap((what) =>
    allow("ingress", what, everyone),
  ),
  ...allow("egress", service(6, 443), ["203.0.113.0/24", "2001:db8::/32"]),
];

/** One pod's policy; without rules no group selects it. */
export interface PodPolicy {
  readonly pod: Pod;
  readonly rules?: readonly Rule[];
  readonly allowances?: Partial<Allowances>;
}

const allowancesOf = (more: Partial<Allowances> | undefined): Allowances => ({
  conntrackMax: 1000,
  timeouts: { tcpEstablished: 350, udpStream: 180, udp: 30 },
  ...more,
});

/** The policy of a node with these pods. */
export function stateOf(policies: readonly PodPolicy[], antiSpoofing: "Filtered" | "All"): CompiledState {
  return {
    config: {
      revision: antiSpoofing,
      tracking: { cidrs: [], outsideCluster: false, clusterCidrs: [] },
      dnsAddresses: [],
      antiSpoofing,
    },
    ruleSets: policies.flatMap(({ pod: { name }, rules }) =>
      rules === undefined ? [] : [{ name, revision: JSON.stringify(rules), groups: [group], rules }],
    ),
    acls: [],
    addressSets: [],
    node: {
      node: "node",
      endpoints: policies.map(({ pod: { name, uid }, rules, allowances }) => ({
        pod: { namespace: "default", name, uid },
        ...(rules === undefined ? {} : { ruleSet: name }),
        allowances: allowancesOf(allowances),
        trackedPorts: [],
      })),
    },
  };
}

/** Both pods under their rules. */
export const usual: readonly PodPolicy[] = [
  { pod: attacker, rules: attackerRules },
  { pod: victim, rules: victimRules },
];
