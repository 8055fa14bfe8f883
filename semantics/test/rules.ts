import { parseAddress, parseCidr } from "../address.ts";
import type { Address, Cidr, Direction, GroupKey, Peer, PortRange, Rule, RuleSet, Service } from "../policy.ts";

/** A canonical address out of a text that tests write. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new TypeError(`${text}: ${parsed.problem}`);
  return parsed.value;
}

/** A canonical CIDR out of a text that tests write. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new TypeError(`${text}: ${parsed.problem}`);
  return parsed.value;
}

const protocols: Readonly<Record<string, number>> = { all: -1, tcp: 6, udp: 17, icmp: 1, icmpv6: 58 };

function portRange(text: string): PortRange {
  if (text === "*") return { from: 0, to: 0xffff };
  const [from = text, to = from] = text.split("-");
  return { from: Number(from), to: Number(to) };
}

/** `tcp 80`, `udp 8000-8999`, `tcp *`, `icmp`, `icmp 8/0`, `all`, `253`. */
export function service(text: string): Service {
  const [name = "", detail] = text.split(" ");
  const protocol = protocols[name] ?? Number(name);
  if (protocol === 6 || protocol === 17) return { protocol, ports: portRange(detail ?? "*") };
  if (protocol !== 1 && protocol !== 58) return { protocol };
  const [type = -1, code = -1] = detail?.split("/").map(Number) ?? [];
  return { protocol, icmp: { type, code } };
}

/** A CIDR, `sg:namespace/name` or `pl:name`. */
function peer(text: string): Peer {
  if (text.startsWith("sg:")) return { group: text.slice(3) as GroupKey };
  return text.startsWith("pl:") ? { prefixList: text.slice(3) } : { cidr: cidr(text) };
}

const origin = { group: "default/test" as GroupKey, rule: 0, peer: 0 };

/** `in tcp 80 from 0.0.0.0/0`, `out all to pl:servers`. */
export function rule(text: string): Rule {
  const [, way, what = "", whom = ""] = /^(in|out) (.+) (?:from|to) (\S+)$/.exec(text) ?? [];
  if (way === undefined) throw new TypeError(`"${text}" is no rule`);
  const direction: Direction = way === "in" ? "ingress" : "egress";
  return { direction, service: service(what), peer: peer(whom), origin };
}

/** A rule set whose revision changes exactly when its rules do. */
export function ruleSet(texts: readonly string[], name = "rules"): RuleSet {
  return { name, revision: texts.join("\n"), groups: [origin.group], rules: texts.map(rule) };
}
