import assert from "node:assert/strict";
import { parseAddress, parseCidr } from "../../../semantics/address.ts";
import type { Transport } from "../../../semantics/packet.ts";
import { tcpFlags } from "../../../semantics/packet.ts";
import type {
  Address,
  Allowances,
  CompiledState,
  Direction,
  Family,
  GroupKey,
  Rule,
  Service,
} from "../../../semantics/policy.ts";
import { plainConfig } from "../../../semantics/test/config.ts";
import { firstAddress } from "../packets.ts";
import type { Conversation, EndpointInput, Engine, Machine, WirePacket } from "../ports.ts";

export function known(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed.ok, text);
  return parsed.value;
}

const pod = (name: string, ...addresses: string[]): Machine & { readonly uid: string } => ({
  kind: "pod",
  name,
  uid: `uid-${name}`,
  addresses: addresses.map(known),
});

const host = (name: string, ...addresses: string[]): Machine => ({
  kind: "host",
  name,
  addresses: addresses.map(known),
});

/** In the group; see `webRules`. */
export const web = pod("web", "10.244.0.10", "fd00:244::10");
/** In no group. */
export const free = pod("free", "10.244.0.11", "fd00:244::11");
export const client = host("client", "203.0.113.1", "2001:db8::1");
export const stranger = host("stranger", "203.0.113.2", "2001:db8::2");

const group = "default/web" as GroupKey;

function rule(direction: Direction, service: Service, cidr: string): Rule {
  const parsed = parseCidr(cidr);
  assert.ok(parsed.ok, cidr);
  return { direction, service, peer: { cidr: parsed.value }, origin: { group, rule: 0, peer: 0 } };
}

const ports = (port: number) => ({ from: port, to: port });

/** tcp 80 from anywhere (untracked); tcp 22, udp 53 and icmp from `client`; everything out. */
const webRules: readonly Rule[] = [
  rule("ingress", { protocol: 6, ports: ports(80) }, "0.0.0.0/0"),
  rule("ingress", { protocol: 6, ports: ports(80) }, "::/0"),
  rule("ingress", { protocol: 6, ports: ports(22) }, "203.0.113.1/32"),
  rule("ingress", { protocol: 17, ports: ports(53) }, "203.0.113.1/32"),
  rule("ingress", { protocol: 1, icmp: { type: -1, code: -1 } }, "203.0.113.1/32"),
  rule("egress", { protocol: -1 }, "0.0.0.0/0"),
  rule("egress", { protocol: -1 }, "::/0"),
];

const timeouts = { tcpEstablished: 350, udpStream: 180, udp: 30 };

/** Both pods' policy; `rules` in place of `webRules`. */
export function stateOf(
  options: { rules?: readonly Rule[]; revision?: string; conntrackMax?: number } = {},
): CompiledState {
  const allowances: Allowances = { conntrackMax: options.conntrackMax ?? 1000, timeouts };
  const endpoint = ({ name, uid }: typeof web) => ({
    pod: { namespace: "default", name, uid },
    allowances,
    trackedPorts: [],
  });
  return {
    config: plainConfig,
    ruleSets: [{ name: "web", revision: options.revision ?? "1", groups: [group], rules: options.rules ?? webRules }],
    acls: [],
    addressSets: [],
    node: { node: "node", endpoints: [{ ...endpoint(web), ruleSet: "web" }, endpoint(free)] },
  };
}

export const endpoints: readonly EndpointInput[] = [web, free].map((machine) => ({ machine, adopt: false }));

/** A raw packet between two machines, by their first addresses of the family. */
export function packet(
  from: Machine,
  to: Machine,
  transport: Transport,
  more: Partial<WirePacket> & { family?: Family } = {},
): WirePacket {
  const family = more.family ?? 4;
  return {
    family,
    source: firstAddress(from, family),
    destination: firstAddress(to, family),
    transport,
    hopLimit: 64,
    length: 74,
    fromNode: from.kind === "node",
    payload: 0,
    ...more,
  };
}

export const syn = (port: number, sourcePort = 40_000): Transport => ({
  kind: "tcp",
  sourcePort,
  port,
  flags: tcpFlags.SYN,
});

export const datagram = (port: number, sourcePort = 40_000): Transport => ({ kind: "udp", sourcePort, port });

export function conversation(
  name: string,
  ends: readonly [Machine, Machine],
  protocol: 6 | 17,
  port: number,
  more: { family?: Family; sourcePort?: number } = {},
): Conversation {
  const [from, to] = ends;
  const family = more.family ?? 4;
  return {
    name,
    from,
    to,
    protocol,
    source: firstAddress(from, family),
    sourcePort: more.sourcePort ?? 50_000,
    destination: firstAddress(to, family),
    port,
  };
}

/** Brings up both pods and both hosts, under `stateOf()`. */
export async function beginScenario(engine: Engine, tableSize = 4096): Promise<void> {
  await engine.begin({ tableSize });
  for (const machine of [web, free, client, stranger]) await engine.addMachine(machine);
  const statuses = await engine.program(stateOf(), endpoints);
  assert.deepEqual(
    statuses.map(({ state }) => state),
    ["Programmed", "Programmed"],
  );
}

/** `protocol port state` of each of the pod web's connections. */
export async function tableOf(engine: Engine): Promise<string[]> {
  const rows = await engine.connections(web);
  return rows.map(({ protocol, port, state }) => `${protocol} ${port} ${state}`).sort();
}
