import { z } from "zod";
import type { ProtocolNumber } from "../semantics/policy.ts";
import { celList, celMatches, twin, twins } from "./cel.ts";
import { type Reading, read } from "./refusal.ts";

/** Protocol numbers of the IP header that rules name (S-6); `all` is -1. */
export const protocolNumbers = { all: -1, icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

const namesOfOthers: Readonly<Record<string, number>> = { sctp: 132, gre: 47, esp: 50, ah: 51, igmp: 2, ipip: 4 };

const numberForm = /^(-1|0|[1-9][0-9]*)$/;

const unknown = { message: "not a protocol" };
const outside = { message: "a protocol number is 0 to 255" };
const remedy = "write tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1 or all for every protocol";

/** Reads a protocol as S-6 has it: a name, a number 0–255, or -1/`all`. */
function readProtocol(protocol: string | number): Reading<ProtocolNumber> {
  const known = Object.entries(protocolNumbers).find(([name]) => name === protocol);
  if (known) return { value: known[1] };
  const written = String(protocol);
  if (numberForm.test(written)) {
    const number = Number(written);
    if (number <= 255) return { value: number };
    return { refusal: { ...outside, remedy } };
  }
  const lower = written.toLowerCase();
  if (lower in protocolNumbers)
    return { refusal: { message: "protocol names are lower case", remedy: `write \`${lower}\`` } };
  const other = namesOfOthers[lower];
  if (other !== undefined)
    return { refusal: { message: "rules do not know this protocol by name", remedy: `write its number, ${other}` } };
  return { refusal: { ...unknown, remedy } };
}

const isNumber = celMatches("self", numberForm);

/** A CEL condition: what stands in this field is a protocol, or a number that is too large to be one. */
export function celIsProtocol(field: string): string {
  const isText = `${field} in ${celList(Object.keys(protocolNumbers))} || ${celMatches(field, numberForm)}`;
  return `(type(${field}) == int ? ${field} >= -1 : ${isText})`;
}

const rules = twins(
  twin(celIsProtocol("self"), {
    ...unknown,
    remedy: `${remedy}, in lower case; others have only numbers (sctp is 132)`,
  }),
  twin(`(type(self) != int && !${isNumber}) || int(self) <= 255`, { ...outside, remedy }),
);

/** A CEL condition: the protocol in this field is the one of this name, however it is written. */
export function celProtocolIs(field: string, name: keyof typeof protocolNumbers): string {
  const number = protocolNumbers[name];
  return `(${field} in ${celList([name, String(number)])} || ${field} == ${number})`;
}

/** Name of a protocol number as rules write it. */
export function protocolName(number: ProtocolNumber): string {
  return Object.entries(protocolNumbers).find(([, value]) => value === number)?.[0] ?? String(number);
}

/** Protocol of a rule, parsed to its number. */
export const protocol = read(
  z.union([z.number(), z.string().max(16)]).meta({
    "x-kubernetes-int-or-string": true,
    ...rules,
    description:
      "Protocol: tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1 or all for every protocol. 6, 17, 1 and 58 are the names and obey their rules (S-6).",
  }),
  readProtocol,
);
