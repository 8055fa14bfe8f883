import { z } from "zod";
import type { PortRange } from "../semantics/policy.ts";
import { type Reading, type Refusal, read } from "./refusal.ts";

const form = /^([0-9]+)(?:-([0-9]+))?$/;

function refusalOf(first: string, last: string): Refusal | undefined {
  if (Number(first) > 65_535 || Number(last) > 65_535)
    return { message: "a port is 0 to 65535", remedy: "write a port from 0 to 65535" };
  if (String(Number(first)) !== first || String(Number(last)) !== last)
    return { message: "a port has no leading zero", remedy: "write it without the zero" };
  if (Number(first) > Number(last))
    return { message: "the range runs backwards", remedy: `write the lower port first: ${last}-${first}` };
  return undefined;
}

/** Reads `443`, `"443"` or `"8000-8999"`. */
export function readPorts(ports: string | number): Reading<PortRange> {
  const match = form.exec(String(ports));
  const first = match?.[1];
  if (first === undefined)
    return {
      refusal: {
        message: "not a port or a range of ports",
        remedy: 'write one port (443) or a range ("8000-8999"); all ports are "0-65535"',
      },
    };
  const last = match?.[2] ?? first;
  const refusal = refusalOf(first, last);
  return refusal ? { refusal } : { value: { from: Number(first), to: Number(last) } };
}

/** Ports of a rule, parsed to an inclusive range. */
export const ports = read(
  z.union([z.number(), z.string().max(16)]).meta({
    "x-kubernetes-int-or-string": true,
    description:
      'Port or inclusive range of ports, 0 to 65535: 443, "443" or "8000-8999". Required for tcp and udp, refused for every other protocol.',
  }),
  readPorts,
);
