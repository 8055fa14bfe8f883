import type { Cidr, IcmpMatch, PortRange, Service } from "../semantics/policy.ts";
import { type CelRule, twin } from "./cel.ts";
import { familyOf } from "./cidr.ts";
import { anyIcmp, icmp } from "./icmp.ts";
import { ports } from "./ports.ts";
import { celIsProtocol, celProtocolIs, protocol, protocolName, protocolNumbers } from "./protocol.ts";
import type { Findings } from "./refusal.ts";

/** Fields that say which packets a rule is about, beside its peer; rules of groups and of ACLs share them (S-6, S-85). */
export const trafficFields = { protocol, ports: ports.optional(), icmp: icmp.optional() };

/** Parsed traffic fields. */
export interface Traffic {
  readonly protocol: number;
  readonly ports?: PortRange | undefined;
  readonly icmp?: IcmpMatch | undefined;
}

const takesPorts = (number: number): boolean => number === protocolNumbers.tcp || number === protocolNumbers.udp;
const takesIcmp = (number: number): boolean => number === protocolNumbers.icmp || number === protocolNumbers.icmpv6;

const portsRemedy = 'write them; all ports are "0-65535"';
const onlyIpv4 = {
  message: "icmp is IPv4 only and cannot have an IPv6 CIDR",
  remedy: "make the protocol icmpv6 or the CIDR IPv4",
};
const onlyIpv6 = {
  message: "icmpv6 is IPv6 only and cannot have an IPv4 CIDR",
  remedy: "make the protocol icmp or the CIDR IPv6",
};

const celIs = (name: keyof typeof protocolNumbers): string => celProtocolIs("self.protocol", name);
const celTakesPorts = `${celIs("tcp")} || ${celIs("udp")}`;
const celTakesIcmp = `${celIs("icmp")} || ${celIs("icmpv6")}`;

/** What `checkTraffic` checks, in CEL. */
export const trafficTwins: readonly CelRule[] = [
  twin(`!(${celTakesPorts}) || has(self.ports)`, { message: "tcp and udp need ports", remedy: portsRemedy }, ".ports"),
  twin(
    `${celTakesPorts} || !has(self.ports) || !${celIsProtocol("self.protocol")}`,
    {
      message: "only tcp and udp take ports",
      remedy: "remove `ports`; a rule for icmp or icmpv6 is narrowed by `icmp: {type, code}`",
    },
    ".ports",
  ),
  twin(
    `${celTakesIcmp} || !has(self.icmp) || !${celIsProtocol("self.protocol")}`,
    {
      message: "only icmp and icmpv6 have an ICMP type",
      remedy: "remove `icmp`, or make the protocol icmp or icmpv6",
    },
    ".icmp",
  ),
];

/**
 * What `checkFamily` checks, in CEL: only IPv6 has colons.
 * @param field Field in which the CIDRs stand.
 * @param all Makes a condition on one CIDR a condition on all of them.
 */
export function familyTwins(field: string, all: (ofCidr: (cidr: string) => string) => string): readonly CelRule[] {
  return [
    twin(`!${celIs("icmp")} || ${all((cidr) => `!${cidr}.contains(':')`)}`, onlyIpv4, field),
    twin(`!${celIs("icmpv6")} || ${all((cidr) => `${cidr}.contains(':')`)}`, onlyIpv6, field),
  ];
}

/** Checks that ports and icmp go with the protocol (S-6, S-7). Fields that were refused already count as written. */
export function checkTraffic(traffic: Traffic, findings: Findings): void {
  if (!findings.sound("protocol")) return;
  const name = protocolName(traffic.protocol);
  const portsAbsent = traffic.ports === undefined && findings.sound("ports");
  // A misspelt field is most likely the missing one: one error is enough.
  if (takesPorts(traffic.protocol) && portsAbsent && !findings.unknownFields)
    findings.refuse({ path: ["ports"], message: `${name} needs ports`, remedy: portsRemedy });
  if (!takesPorts(traffic.protocol) && !portsAbsent)
    findings.refuse({
      path: ["ports"],
      message: `protocol ${name} takes no ports`,
      remedy: takesIcmp(traffic.protocol)
        ? "remove `ports`; to narrow the rule write `icmp: {type, code}`"
        : "remove `ports`, or make the protocol tcp or udp",
    });
  const icmpAbsent = traffic.icmp === undefined && findings.sound("icmp");
  if (!takesIcmp(traffic.protocol) && !icmpAbsent)
    findings.refuse({
      path: ["icmp"],
      message: `protocol ${name} has no ICMP type`,
      remedy: "remove `icmp`, or make the protocol icmp or icmpv6",
    });
}

/** Checks that an ICMP rule and its CIDR are of one family: neither could ever match the other's packets. */
export function checkFamily(number: number, cidr: Cidr, path: readonly (string | number)[], findings: Findings): void {
  const family = familyOf(cidr);
  if (number === protocolNumbers.icmp && family === 6) findings.refuse({ path, ...onlyIpv4 });
  if (number === protocolNumbers.icmpv6 && family === 4) findings.refuse({ path, ...onlyIpv6 });
}

/** The service that checked fields mean; icmp without type and code is any. */
export function toService({ protocol, ports, icmp }: Traffic): Service {
  if (takesPorts(protocol) && ports) return { protocol, ports };
  if (takesIcmp(protocol)) return { protocol, icmp: icmp ?? anyIcmp };
  return { protocol };
}
