import fc from "fast-check";
import { cidrContains } from "../address.ts";
import type { Rule, Service } from "../policy.ts";
import {
  changed,
  errorAbout,
  firstFragment,
  fromNode,
  icmp,
  laterFragment,
  other,
  type Sent,
  tcp,
  udp,
} from "./packets.ts";
import { cidr } from "./rules.ts";

/*
 * Few ports, addresses and flags, so that random packets meet random rules and each other's connections.
 */

export const remotes = [
  "203.0.113.1",
  "203.0.113.2",
  "198.51.100.7",
  "10.244.0.1",
  "10.96.0.10",
  "2001:db8::1",
  "fd00:244::1",
] as const;

const services = ["all", "tcp *", "tcp 80", "tcp 1-100", "udp *", "udp 53", "icmp", "icmp 8/0", "icmpv6", "253"];
const peers = [
  "0.0.0.0/0",
  "::/0",
  "203.0.113.0/24",
  "203.0.113.1/32",
  "10.244.0.0/16",
  "2001:db8::/32",
  "sg:default/web",
  "pl:net",
  "sg:default/stale",
];

/** What the peers of `arbitraryRule` mean. */
export const sets = {
  groups: { "default/web": ["203.0.113.2/32", "2001:db8::1/128"] },
  prefixLists: { net: ["198.51.100.0/24"] },
} as const;

/** A rule as `rule` in rules.ts reads it. */
export const arbitraryRule: fc.Arbitrary<string> = fc
  .tuple(fc.boolean(), fc.constantFrom(...services), fc.constantFrom(...peers))
  .map(([ingress, what, whom]) => (ingress ? `in ${what} from ${whom}` : `out ${what} to ${whom}`));

export const arbitraryRules: fc.Arbitrary<string[]> = fc.array(arbitraryRule, { maxLength: 6 });

const port = fc.constantFrom(53, 80, 443, 5000);
const direction = fc.constantFrom("ingress" as const, "egress" as const);
const remote = fc.constantFrom(...remotes);
const flags = fc.constantFrom("SYN", "SYN,ACK", "ACK", "PSH,ACK", "FIN,ACK", "RST", "RST,ACK", "SYN,FIN", "");
const ends = fc.record({ remote, port, remotePort: port });
const echoTypes = fc.constantFrom(8, 0, 128, 129, 3, 13, 135);

const whole: fc.Arbitrary<Sent> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(direction, ends, flags).map(([way, to, bits]) => tcp(way, to, bits)) },
  { weight: 3, arbitrary: fc.tuple(direction, ends).map(([way, to]) => udp(way, to)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(direction, remote, echoTypes, fc.nat(2))
      .map(([way, to, type, id]) => icmp(way, to, type, 0, id)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(direction, remote, fc.constantFrom(253, 47)).map(([way, to, number]) => other(way, to, number)),
  },
);

/** A packet of the pod's, of every kind that the contract knows. */
export const arbitraryPacket: fc.Arbitrary<Sent> = fc.oneof(
  { weight: 12, arbitrary: whole },
  { weight: 1, arbitrary: fc.tuple(whole, fc.nat(3)).map(([sent, id]) => firstFragment(sent, id)) },
  { weight: 1, arbitrary: fc.tuple(whole, fc.nat(3)).map(([sent, id]) => laterFragment(sent, id)) },
  {
    weight: 1,
    arbitrary: whole.map((sent) => errorAbout(sent, sent.packet.family === 4 ? "198.51.100.7" : "2001:db8::1")),
  },
  { weight: 1, arbitrary: whole.filter((sent) => sent.direction === "ingress").map(fromNode) },
  { weight: 1, arbitrary: whole.map((sent) => changed(sent, { broken: true })) },
);

const meansIcmp = ({ protocol, icmp: match }: Service, family: 4 | 6, type: number, code: number): boolean =>
  protocol === (family === 4 ? 1 : 58) &&
  (match === undefined || match.type === -1 || (match.type === type && (match.code === -1 || match.code === code)));

/**
 * Whether a rule permits a packet, worked out the slow way round and by other means than the model: a second opinion.
 */
export function rulePermits(
  { direction: way, service: what, peer }: Rule,
  { direction: going, packet }: Sent,
): boolean {
  if (way !== going) return false;
  const far = going === "ingress" ? packet.source : packet.destination;
  const { transport, family } = packet;
  const groups: Readonly<Record<string, readonly string[]>> = sets.groups;
  const lists: Readonly<Record<string, readonly string[]>> = sets.prefixLists;
  const cidrs =
    "cidr" in peer ? [peer.cidr] : "group" in peer ? (groups[peer.group] ?? []) : (lists[peer.prefixList] ?? []);
  const among = cidrs.some((text) => cidrContains(cidr(text), far));
  if (!among || what.protocol === -1) return among;
  switch (transport.kind) {
    case "tcp":
    case "udp": {
      const number = transport.kind === "tcp" ? 6 : 17;
      const { from = 1, to = 0 } = what.ports ?? {};
      return what.protocol === number && transport.port >= from && transport.port <= to;
    }
    case "icmp":
      return meansIcmp(what, family, transport.type, transport.code);
    case "other":
      return what.protocol === transport.protocol;
    case "fragment":
      return false;
  }
}
