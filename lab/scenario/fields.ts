import { z } from "zod";
import { parseAddress } from "../../semantics/address.ts";
import { tcpFlags } from "../../semantics/packet.ts";
import type { Address } from "../../semantics/policy.ts";
import { durationForm, parseDuration } from "./duration.ts";

/** Adds a problem that carries its own remedy; `problems.ts` reads it back. */
export function refuse(ctx: z.RefinementCtx, path: PropertyKey[], message: string, remedy: string): void {
  ctx.addIssue({ code: "custom", path, message, params: { remedy } });
}

/** A field that `read` understands or that is refused with this message and remedy. */
export function field<T>(read: (value: unknown) => T | undefined, message: string, remedy: string) {
  return z.unknown().transform((value, ctx): T => {
    const result = read(value);
    if (result !== undefined) return result;
    refuse(ctx, [], value === undefined ? "is missing" : message, remedy);
    return z.NEVER;
  });
}

/** A whole number from `from` to `to`. */
export function whole(from: number, to: number) {
  const range = `a whole number from ${from} to ${to}`;
  return field(
    (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= from && value <= to ? value : undefined,
    `is not ${range}`,
    `give ${range}`,
  );
}

/** One word out of a closed list. */
export function word<const Words extends readonly string[]>(words: Words) {
  const list = words.join(", ");
  return field(
    (value) => words.find((candidate) => candidate === value) as Words[number] | undefined,
    `is not one of ${list}`,
    "use one of these",
  );
}

export const yesOrNo = field(
  (value) => (typeof value === "boolean" ? value : undefined),
  "is neither true nor false",
  "use true or false",
);

export const text = field(
  (value) => (typeof value === "string" && value !== "" ? value : undefined),
  "is not a text",
  "give a text that is not empty",
);

/** A Kubernetes object name, also of pods and hosts. */
export const objectName = field(
  (value) => (typeof value === "string" && /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(value) ? value : undefined),
  "is no object name",
  "use lower-case letters, digits, - and ., beginning and ending with a letter or digit",
);

/** A pod or host by name, a pod also as `namespace/name`; `node` is the node. */
export const machineName = field(
  (value) => (typeof value === "string" && /^[a-z0-9][-a-z0-9./]*$/.test(value) ? value : undefined),
  "is no name of a pod or host",
  "name a pod or host of this scenario, or node",
);

export const port = whole(0, 65535);

export const address = field<Address>(
  (value) => {
    const parsed = typeof value === "string" ? parseAddress(value) : undefined;
    return parsed?.ok === true ? parsed.value : undefined;
  },
  "is no IP address",
  'give an IPv4 address such as 10.244.0.10 (no leading zeros) or an IPv6 address such as "fd00:244::10"',
);

const protocolNumbers: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 };

function parseProtocol(value: unknown): number | undefined {
  if (typeof value === "string")
    return Object.hasOwn(protocolNumbers, value)
      ? protocolNumbers[value]
      : parseProtocol(/^\d{1,3}$/.test(value) ? Number(value) : undefined);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255 ? value : undefined;
}

/** Name or number of an IP protocol, as its number. */
export const protocol = field(parseProtocol, "is no protocol", "use tcp, udp, icmp, icmpv6 or a number from 0 to 255");

/** tcp or udp: what a real socket speaks here. */
export const socketProtocol = field(
  (value) => {
    const number = parseProtocol(value);
    return number === 6 || number === 17 ? number : undefined;
  },
  "is neither tcp nor udp",
  "use tcp or udp; send other protocols with packet",
);

export const family = field(
  (value) => (value === 4 || value === 6 ? value : undefined),
  "is no IP version",
  "use 4 or 6",
);

/** Seconds. */
export const duration = field(
  (value) => (typeof value === "string" ? parseDuration(value) : undefined),
  "is no duration",
  `give ${durationForm}`,
);

function parseFlags(value: unknown): number | undefined {
  const names = typeof value === "string" ? value.split(",").filter((name) => name.trim() !== "") : value;
  if (!Array.isArray(names)) return undefined;
  let bits = 0;
  for (const name of names) {
    const bit = typeof name === "string" ? tcpFlags[name.trim().toUpperCase() as keyof typeof tcpFlags] : undefined;
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits;
}

/** TCP flags as bits; an empty list is no flag at all. */
export const flags = field(
  parseFlags,
  "names no TCP flags",
  `use ${Object.keys(tcpFlags).join(", ")}, as "SYN,ACK" or a list`,
);
