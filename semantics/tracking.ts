import { cidrRange } from "./address.ts";
import type { Direction, Family, Peer, PortRange, ProtocolNumber, Rule } from "./policy.ts";

const allPorts: PortRange = { from: 0, to: 0xffff };

/** S-57: only the literal `0.0.0.0/0` or `::/0` is any peer; a prefix list that holds it is not. */
export function isAnyPeer(peer: Peer, family: Family): boolean {
  if (!("cidr" in peer)) {
    return false;
  }
  const range = cidrRange(peer.cidr);
  return range.family === family && range.prefix === 0;
}

/** Ports of `protocol` (6 or 17) that a rule permits; undefined: none. `all` counts as every port (S-50 b). */
function permittedPorts(rule: Rule, protocol: ProtocolNumber): PortRange | undefined {
  if (rule.service.protocol === -1) {
    return allPorts;
  }
  return rule.service.protocol === protocol ? rule.service.ports : undefined;
}

/** Port ranges that any-peer rules of one direction permit (S-50 a). Ranges may overlap. */
export function anyPeerPorts(
  rules: readonly Rule[],
  direction: Direction,
  protocol: 6 | 17,
  family: Family,
): PortRange[] {
  return rules.flatMap((rule) => {
    const ports = permittedPorts(rule, protocol);
    return rule.direction === direction && ports !== undefined && isAnyPeer(rule.peer, family) ? [ports] : [];
  });
}

/** Whether one literal rule permits all ports to any peer (S-50 b, S-57). */
export function anyPeerAllPorts(
  rules: readonly Rule[],
  direction: Direction,
  protocol: 6 | 17,
  family: Family,
): boolean {
  return anyPeerPorts(rules, direction, protocol, family).some(({ from, to }) => from === 0 && to === 0xffff);
}
