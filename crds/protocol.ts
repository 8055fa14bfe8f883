import { z } from "zod";
import type { ProtocolNumber } from "../semantics/policy.ts";
import { type Reading, read } from "./refusal.ts";

/** Protocol numbers of the IP header that rules name (S-6); `all` is -1. */
export const protocolNumbers = { all: -1, icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

const namesOfOthers: Readonly<Record<string, number>> = { sctp: 132, gre: 47, esp: 50, ah: 51, igmp: 2, ipip: 4 };

const remedy = "write tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1 or all for every protocol";

/** Reads a protocol as S-6 has it: a name, a number 0–255, or -1/`all`. */
export function readProtocol(protocol: string | number): Reading<ProtocolNumber> {
  const known = Object.entries(protocolNumbers).find(([name]) => name === protocol);
  if (known) return { value: known[1] };
  const written = String(protocol);
  if (/^(-1|0|[1-9][0-9]*)$/.test(written)) {
    const number = Number(written);
    if (number <= 255) return { value: number };
    return { refusal: { message: "a protocol number is 0 to 255", remedy } };
  }
  const lower = written.toLowerCase();
  if (lower in protocolNumbers)
    return { refusal: { message: "protocol names are lower case", remedy: `write \`${lower}\`` } };
  const other = namesOfOthers[lower];
  if (other !== undefined)
    return { refusal: { message: "rules do not know this protocol by name", remedy: `write its number, ${other}` } };
  return { refusal: { message: "not a protocol", remedy } };
}

/** Name of a protocol number as rules write it. */
export function protocolName(number: ProtocolNumber): string {
  return Object.entries(protocolNumbers).find(([, value]) => value === number)?.[0] ?? String(number);
}

/** Protocol of a rule, parsed to its number. */
export const protocol = read(
  z.union([z.number(), z.string().max(16)]).meta({
    "x-kubernetes-int-or-string": true,
    description:
      "Protocol: tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1 or all for every protocol. 6, 17, 1 and 58 are the names and obey their rules (S-6).",
  }),
  readProtocol,
);
