import type {
  AclRule,
  Address,
  Allowances,
  Cidr,
  EndpointPolicy,
  GroupKey,
  NodeConfig,
  Rate,
  TrackedPort,
} from "../../../semantics/policy.ts";
import type { Chance } from "../chance.ts";
import type { PlacedEndpoint } from "../sequence.ts";
import type { ServiceDraft } from "./draft.ts";
import { groups, peerCidrs, placeAddresses, type Some, serviceAddresses, servicePorts } from "./pool.ts";
import { randomAclRule } from "./rules.ts";

/** Names that policies refer to; the last of each is never there. */
export const ruleSetNames = ["rules-0", "rules-1", "rules-2"] as const;
export const aclNames = ["acl-0", "acl-1"] as const;
const missing = "not-here-yet";

/** S-80: no number twice in one direction. */
export function randomAcl(chance: Chance): AclRule[] {
  const rules = Array.from({ length: chance.below(7) }, () => randomAclRule(chance));
  const taken = new Set<string>();
  return rules.filter(({ direction, number }) => {
    const key = `${direction} ${number}`;
    return !taken.has(key) && taken.add(key);
  });
}

/** Users give these one number, which is the burst too; nothing is a rate. */
const linkLocalRates: Some<Rate> = [
  { perSecond: 0, burst: 0 },
  { perSecond: 1, burst: 1 },
  { perSecond: 4, burst: 4 },
];

/** Powers of two, so that a quarter second brings whole tokens. */
function randomRate(chance: Chance, perSecond: Some<number>, burst: Some<number>): Rate {
  return { perSecond: chance.pick(perSecond), burst: chance.pick(burst) };
}

/** Small ones mostly, so that packets are over them. */
export function randomLimits(chance: Chance): Pick<Allowances, "conntrackMax" | "timeouts"> {
  return {
    conntrackMax: chance.pick([0, 1, 3, 8, 20, 32_768, 32_768]),
    timeouts: {
      tcpEstablished: chance.pick([60, 350]),
      udpStream: chance.pick([60, 180]),
      udp: chance.pick([30, 45]),
    },
  };
}

/**
 * An endpoint keeps its rates: what a bucket holds after a change of its rate is nothing that the contract says, and
 * the kernel's, which remembers when it will be full, holds something else then than one that counts tokens.
 */
function randomRates(chance: Chance): Omit<Allowances, "conntrackMax" | "timeouts"> {
  const bandwidth = () => randomRate(chance, [2048, 8192, 65_536], [512, 4096]);
  return {
    ...(chance.onceIn(8) ? { bandwidthIn: bandwidth() } : {}),
    ...(chance.onceIn(8) ? { bandwidthOut: bandwidth() } : {}),
    ...(chance.onceIn(8) ? { packets: randomRate(chance, [4, 8], [1, 16]) } : {}),
    ...(chance.onceIn(6) ? { linkLocal: chance.pick(linkLocalRates) } : {}),
  };
}

export function randomTrackedPorts(chance: Chance): TrackedPort[] {
  return [6, 17].flatMap((protocol) =>
    chance.some(servicePorts, 12).map((port): TrackedPort => ({ protocol: protocol as 6 | 17, port })),
  );
}

/** Which rules and ACL an endpoint has. */
export function randomFilter(chance: Chance): Pick<EndpointPolicy, "ruleSet" | "acl" | "closed"> {
  return {
    ...(chance.onceIn(5) ? {} : { ruleSet: chance.onceIn(30) ? missing : chance.pick(ruleSetNames) }),
    ...(chance.onceIn(4) ? { acl: chance.onceIn(20) ? missing : chance.pick(aclNames) } : {}),
    ...(chance.onceIn(25) ? { closed: "its SecurityGroup is invalid" } : {}),
  };
}

export function randomPolicy(chance: Chance, uid: string): EndpointPolicy {
  return {
    pod: { namespace: "default", name: uid, uid },
    ...randomFilter(chance),
    allowances: { ...randomLimits(chance), ...randomRates(chance) },
    trackedPorts: randomTrackedPorts(chance),
  };
}

/** Some of the addresses that the pod of a place may have. */
export function randomAddresses(chance: Chance, place: number): Address[] {
  const { 4: v4, 6: v6 } = placeAddresses(place);
  return [v4[0], v6[0], ...chance.some([...v4.slice(1), ...v6.slice(1)], 2)];
}

export function randomEndpoint(chance: Chance, place: number, uid: string): PlacedEndpoint {
  return { uid, link: place, addresses: randomAddresses(chance, place), adopt: chance.onceIn(3) };
}

export function randomGroups(chance: Chance): GroupKey[] {
  return chance.some(groups.slice(0, -1), 2) as GroupKey[];
}

export function randomPrefixes(chance: Chance): Cidr[] {
  const family = chance.onceIn(2) ? ":" : ".";
  return chance.some(
    peerCidrs.filter((cidr) => cidr.includes(family)),
    3,
  );
}

export function randomServices(chance: Chance): ServiceDraft[] {
  return [0, 1].map((index) => ({
    groups: randomGroups(chance),
    addresses: [serviceAddresses[4], serviceAddresses[6]].flatMap((pool) => pool[index] ?? []),
    ports: chance.onceIn(2)
      ? [{ protocol: 6, port: 80, targetPort: 8080 }]
      : [
          { protocol: 6, port: 443, targetPort: 443 },
          { protocol: 17, port: 53, targetPort: 8080 },
        ],
  }));
}

export function randomConfig(chance: Chance): Omit<NodeConfig, "revision"> {
  return {
    tracking: {
      cidrs: chance.some(peerCidrs.slice(2), 12),
      outsideCluster: chance.onceIn(6),
      clusterCidrs: chance.some(peerCidrs.slice(2), 3),
    },
    dnsAddresses: chance.onceIn(3) ? [] : [serviceAddresses[4][0], serviceAddresses[6][0]],
    antiSpoofing: chance.onceIn(4) ? "All" : "Filtered",
  };
}
