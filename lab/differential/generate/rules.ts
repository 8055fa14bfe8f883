import type { AclRule, Direction, GroupKey, Peer, PortRange, Rule, Service } from "../../../semantics/policy.ts";
import type { Chance } from "../chance.ts";
import { groups, peerCidrs, prefixLists, type Some, servicePorts } from "./pool.ts";

const directions: Some<Direction> = ["ingress", "egress"];

const icmpMatches: Some<{ readonly type: number; readonly code: number }> = [
  { type: -1, code: -1 },
  { type: 8, code: 0 },
  { type: 128, code: 0 },
  { type: 3, code: -1 },
  { type: 3, code: 4 },
  { type: 2, code: 0 },
  { type: 0, code: -1 },
  { type: 13, code: 0 },
];

const otherProtocols: Some<number> = [253, 47, 50, 132, 2, 136];

function randomPorts(chance: Chance): PortRange {
  const port = chance.pick(servicePorts);
  return chance.weighted<PortRange>(
    [4, () => ({ from: 0, to: 65_535 })],
    [1, () => ({ from: 1, to: 65_535 })],
    [4, () => ({ from: port, to: port })],
    [1, () => ({ from: Math.min(port, 1000), to: Math.max(port, 1000) })],
  );
}

function randomService(chance: Chance): Service {
  return chance.weighted<Service>(
    [4, () => ({ protocol: -1 })],
    [6, () => ({ protocol: 6, ports: randomPorts(chance) })],
    [4, () => ({ protocol: 17, ports: randomPorts(chance) })],
    [2, () => ({ protocol: 1, icmp: chance.pick(icmpMatches) })],
    [2, () => ({ protocol: 58, icmp: chance.pick(icmpMatches) })],
    [2, () => ({ protocol: chance.pick(otherProtocols) })],
  );
}

function randomPeer(chance: Chance): Peer {
  return chance.weighted<Peer>(
    [5, () => ({ cidr: chance.pick([peerCidrs[0], peerCidrs[1] ?? peerCidrs[0]]) })],
    [4, () => ({ cidr: chance.pick(peerCidrs) })],
    [4, () => ({ group: chance.pick(groups) as GroupKey })],
    [2, () => ({ prefixList: chance.pick(prefixLists) })],
  );
}

/** A rule of any kind that the contract knows. */
export function randomRule(chance: Chance): Rule {
  return {
    direction: chance.pick(directions),
    service: randomService(chance),
    peer: randomPeer(chance),
    origin: { group: "default/g0" as GroupKey, rule: 0, peer: 0 },
  };
}

/** A rule of a network ACL; its number is a place, and to be made unique by whoever lists it. */
export function randomAclRule(chance: Chance): AclRule {
  return {
    direction: chance.pick(directions),
    number: chance.between(1, 30),
    action: chance.onceIn(3) ? "deny" : "allow",
    service: randomService(chance),
    cidr: chance.pick(peerCidrs),
  };
}
