import type { Packet, Transport } from "../../semantics/packet.ts";
import { tcpFlags } from "../../semantics/packet.ts";
import type {
  AclRule,
  Address,
  Direction,
  EndpointPolicy,
  Peer,
  Rule,
  RuleSet,
  Service,
} from "../../semantics/policy.ts";
import { nodeMachine } from "../engine/node.ts";
import type { Finding } from "./find.ts";
import { familyOf } from "./generate/pool.ts";
import type { PlacedEndpoint, Sent, Step, World } from "./sequence.ts";

/*
 * A scenario is about what users write and real machines send, so that many sequences have no counterpart: then there
 * is none, and the replay file has to do.
 */

const apiVersion = "sallyport.dev/v1alpha1";
const namespace = "default";

/** Something YAML. */
type Plain = Readonly<Record<string, unknown>>;

class Inexpressible extends Error {}

function require(holds: boolean): asserts holds {
  if (!holds) throw new Inexpressible();
}

/** The finding as a scenario of `lab test`; undefined where it can't be one. */
export function scenarioOf({ sequence, difference, seed }: Finding): Plain | undefined {
  try {
    require(difference.kind === "verdict");
    const [first, ...steps] = sequence.steps;
    require(first?.kind === "program");
    const machines = new Machines(first.world.endpoints);
    const plain = steps.map((step, index) => plainStep(step, first.world, machines, index + 1 === difference.step));
    const last = plain.at(-1);
    const { pass, tracking, reason } = difference.model;
    return {
      apiVersion: "lab.sallyport.dev/v1alpha1",
      kind: "Scenario",
      metadata: { name: `differential-${seed}` },
      spec: {
        config: { tableSize: sequence.tableSize, ...configOf(first.world) },
        resources: resourcesOf(first.world),
        pods: machines.pods,
        hosts: machines.hosts(),
        steps: [...plain.slice(0, -1), { ...last, expect: { delivered: pass, tracking, reason } }],
      },
    };
  } catch (error) {
    if (error instanceof Inexpressible) return undefined;
    throw error;
  }
}

/** Pods and hosts by name; hosts come as packets name their addresses. */
class Machines {
  readonly pods: readonly Plain[];
  readonly #podOf: ReadonlyMap<string, PlacedEndpoint>;
  readonly #hosts = new Map<Address, string>();

  constructor(endpoints: readonly PlacedEndpoint[]) {
    require(endpoints.every(({ adopt }) => !adopt));
    this.#podOf = new Map(endpoints.map((endpoint) => [endpoint.uid, endpoint]));
    this.pods = endpoints.map(({ uid, addresses }) => ({ name: uid, namespace, labels: { pod: uid }, addresses }));
  }

  owns(uid: string, address: Address): boolean {
    return this.#podOf.get(uid)?.addresses.includes(address) ?? false;
  }

  host(address: Address): string {
    const ofPod = [...this.#podOf.values()].some(({ addresses }) => addresses.includes(address));
    require(!ofPod && isOutside(address) && !nodeMachine.addresses.includes(address));
    const name = this.#hosts.get(address) ?? `host-${this.#hosts.size}`;
    this.#hosts.set(address, name);
    return name;
  }

  hosts(): Plain[] {
    return [...this.#hosts].map(([address, name]) => ({ name, addresses: [address] }));
  }
}

/** An ordinary address, which a machine outside could have. */
function isOutside(address: Address): boolean {
  return familyOf(address) === 4 ? /^(203\.0\.113|198\.51\.100)\./.test(address) : address.startsWith("2001:db8:");
}

function configOf({ state: { config }, node }: World): Plain {
  const { tracking, dnsAddresses, antiSpoofing } = config;
  require(tracking.cidrs.length === 0 && !tracking.outsideCluster);
  // The lab's node has addresses of its own.
  require(node.nodeAddresses.every((address) => !isOutside(address)));
  return { dnsAddresses, antiSpoofing };
}

function resourcesOf({ state }: World): Plain[] {
  const lists = state.addressSets.map((set) => {
    require(set.kind === "prefixList" && set.cidrs.length > 0);
    const { prefixList: name, cidrs } = set;
    const addressFamily = cidrs[0]?.includes(":") ? "IPv6" : "IPv4";
    const spec = { addressFamily, maxEntries: 100, entries: cidrs.map((cidr) => ({ cidr })) };
    return { apiVersion, kind: "PrefixList", metadata: { name }, spec };
  });
  const policies = state.node.endpoints;
  return [...lists, ...policies.flatMap((policy) => policyResources(policy, state))];
}

function policyResources(policy: EndpointPolicy, { ruleSets, acls }: World["state"]): Plain[] {
  const { pod, ruleSet, acl, closed, allowances, trackedPorts } = policy;
  require(closed === undefined && acl === undefined && acls.length === 0 && trackedPorts.length === 0);
  const { conntrackMax: max, timeouts, ...rates } = allowances;
  require(Object.keys(rates).length === 0);
  const podSelector = { matchLabels: { pod: pod.uid } };
  const profile = {
    apiVersion,
    kind: "AllowanceProfile",
    metadata: { name: pod.uid },
    spec: { podSelector, conntrack: { max, timeouts } },
  };
  if (ruleSet === undefined) return [profile];
  const set = ruleSets.find(({ name }) => name === ruleSet);
  require(set !== undefined);
  return [profile, securityGroup(pod.uid, set)];
}

function securityGroup(uid: string, { rules }: RuleSet): Plain {
  const list = (direction: Direction) =>
    rules.filter((rule) => rule.direction === direction).map((rule) => plainRule(rule));
  return {
    apiVersion,
    kind: "SecurityGroup",
    metadata: { name: uid, namespace },
    spec: { podSelector: { matchLabels: { pod: uid } }, ingress: list("ingress"), egress: list("egress") },
  };
}

function plainRule({ direction, service, peer }: Rule): Plain {
  return { ...plainService(service), [direction === "ingress" ? "from" : "to"]: [plainPeer(peer)] };
}

function plainPeer(peer: Peer): Plain {
  require(!("group" in peer));
  return peer;
}

const protocolNames: Readonly<Record<number, string>> = { [-1]: "all", 6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6" };

function plainService({ protocol, ports, icmp }: Service | AclRule["service"]): Plain {
  return {
    protocol: protocolNames[protocol] ?? protocol,
    ...(ports === undefined ? {} : { ports: `${ports.from}-${ports.to}` }),
    ...(icmp === undefined ? {} : { icmp }),
  };
}

function plainStep(step: Step, first: World, machines: Machines, judged: boolean): Plain {
  switch (step.kind) {
    case "advance":
      require(step.sweeps);
      return { advance: `${step.seconds}s` };
    case "packet":
      return { packet: plainPacket(step, machines) };
    case "program": {
      // Manifests of what is there already change it; nothing else can change on the way.
      const same = JSON.stringify(step.world.endpoints) === JSON.stringify(first.endpoints);
      require(same && !judged && JSON.stringify(configOf(step.world)) === JSON.stringify(configOf(first)));
      return { apply: resourcesOf(step.world) };
    }
  }
}

function plainPacket({ uid, direction, packet, shape }: Sent, machines: Machines): Plain {
  const { payload = 0, quote, ...others } = shape;
  require(
    Object.keys(others).length === 0 && packet.broken === undefined && !packet.fromNode && packet.hopLimit === 64,
  );
  require(quote === undefined || (quote.transport === 8 && Object.keys(quote).length === 2));
  const quoting = quote === undefined ? {} : { quoting: plainEnds(uid, opposite(direction), quote.packet, machines) };
  const { fragment } = packet;
  return {
    ...plainEnds(uid, direction, packet, machines),
    ...quoting,
    ...(payload > 0 ? { payload } : {}),
    ...(fragment === undefined ? {} : { fragment }),
  };
}

const opposite = (direction: Direction): Direction => (direction === "ingress" ? "egress" : "ingress");

/** Route and headers. */
function plainEnds(uid: string, direction: Direction, packet: Packet, machines: Machines): Plain {
  const { source, destination, transport } = packet;
  const [local, remote] = direction === "egress" ? [source, destination] : [destination, source];
  require(machines.owns(uid, local));
  const host = machines.host(remote);
  const ends = direction === "egress" ? { from: uid, to: host } : { from: host, to: uid };
  return { ...ends, sourceAddress: source, address: destination, ...plainTransport(transport, packet.family) };
}

function plainTransport(transport: Transport, family: 4 | 6): Plain {
  switch (transport.kind) {
    case "tcp": {
      const { sourcePort, port, flags } = transport;
      const names = Object.entries(tcpFlags).filter(([, bit]) => (flags & bit) !== 0);
      return { protocol: "tcp", sourcePort, port, flags: names.map(([name]) => name) };
    }
    case "udp":
      return { protocol: "udp", sourcePort: transport.sourcePort, port: transport.port };
    case "icmp": {
      const { type, code, id } = transport;
      return { protocol: family === 4 ? "icmp" : "icmpv6", type, code, id };
    }
    case "other":
    case "fragment":
      return { protocol: transport.protocol };
  }
}
