import { z } from "zod";
import type { PortRange } from "../semantics/policy.ts";
import { celMatches, twin, twins } from "./cel.ts";
import { type Reading, type Refusal, read } from "./refusal.ts";

const form = /^([0-9]+)(?:-([0-9]+))?$/;

/** Longest text of a range: `65535-65535`. */
const longestRange = 11;

const noPorts = {
  message: "not a port or a range of ports",
  remedy: 'write one port (443) or a range ("8000-8999"); all ports are "0-65535"',
};
const outside = { message: "a port is 0 to 65535", remedy: "write a port from 0 to 65535" };
const leadingZero = { message: "a port has no leading zero", remedy: "write it without the zero" };
const backwards = { message: "the range runs backwards", remedy: "write the lower port first" };

function refusalOf(first: string, last: string): Refusal | undefined {
  if (Number(first) > 65_535 || Number(last) > 65_535) return outside;
  if (String(Number(first)) !== first || String(Number(last)) !== last) return leadingZero;
  if (Number(first) > Number(last)) return { ...backwards, remedy: `${backwards.remedy}: ${last}-${first}` };
  return undefined;
}

/** That this holds of every number of the text, where the text has the form at all. */
const ofNumbers = (condition: string): string => `type(self) == int || !${celMatches("self", form)} || ${condition}`;

const ends = "self.split('-').map(end, int(end))";

const rules = twins(
  twin(`type(self) == int ? self >= 0 : ${celMatches("self", form)}`, noPorts),
  twin(`type(self) == int ? self <= 65535 : !${celMatches("self", form)} || ${ends}.all(end, end <= 65535)`, outside),
  twin(ofNumbers("self.split('-').all(end, end == '0' || !end.startsWith('0'))"), leadingZero),
  twin(ofNumbers(`${ends}.isSorted()`), backwards),
);

/** Reads `443`, `"443"` or `"8000-8999"`. */
function readPorts(ports: string | number): Reading<PortRange> {
  const match = form.exec(String(ports));
  const first = match?.[1];
  if (first === undefined) return { refusal: noPorts };
  const last = match?.[2] ?? first;
  const refusal = refusalOf(first, last);
  return refusal ? { refusal } : { value: { from: Number(first), to: Number(last) } };
}

/** Ports of a rule, parsed to an inclusive range. */
export const ports = read(
  z.union([z.number(), z.string().max(longestRange)]).meta({
    "x-kubernetes-int-or-string": true,
    ...rules,
    description:
      'Port or inclusive range of ports, 0 to 65535: 443, "443" or "8000-8999". Required for tcp and udp, refused for every other protocol.',
  }),
  readPorts,
);
