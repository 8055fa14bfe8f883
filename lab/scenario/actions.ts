import { z } from "zod";
import { type KindName, kinds } from "../../crds/kinds.ts";
import { checked, type Findings } from "../../crds/refusal.ts";
import {
  address,
  duration,
  family,
  field,
  flags,
  machineName,
  objectName,
  port,
  protocol,
  socketProtocol,
  text,
  whole,
  word,
} from "./fields.ts";

/** Ends and addresses of anything that is sent. */
const route = {
  from: machineName,
  to: machineName,
  /** Source in place of the sender's first address of the family. */
  sourceAddress: address.optional(),
  /** Destination in place of the receiver's first address of the family. */
  address: address.optional(),
  family: family.optional(),
};

const headers = {
  protocol,
  sourcePort: port.optional(),
  port: port.optional(),
  flags: flags.optional(),
  type: whole(0, 255).optional(),
  code: whole(0, 255).optional(),
  /** Identifier of an echo message. */
  id: whole(0, 65535).optional(),
};

interface Headers {
  readonly protocol: number;
  readonly sourcePort?: number | undefined;
  readonly port?: number | undefined;
  readonly flags?: number | undefined;
  readonly type?: number | undefined;
  readonly code?: number | undefined;
  readonly id?: number | undefined;
}

const isIcmp = (number: number): boolean => number === 1 || number === 58;

/** Each field only where the protocol has it, and a port where it must. */
function checkHeaders(value: Headers, later: boolean, findings: Findings): void {
  if (!findings.sound("protocol")) return;
  const ports = value.protocol === 6 || value.protocol === 17;
  const misplaced = (name: keyof Headers, of: string): void => {
    if (value[name] !== undefined)
      findings.refuse({ path: [name], message: `belongs to ${of} only`, remedy: `remove ${name}, or change protocol` });
  };
  if (!ports) for (const name of ["sourcePort", "port"] as const) misplaced(name, "tcp and udp");
  if (value.protocol !== 6) misplaced("flags", "tcp");
  if (!isIcmp(value.protocol)) for (const name of ["type", "code", "id"] as const) misplaced(name, "icmp and icmpv6");
  if (ports && value.port === undefined && !later && findings.sound("port")) {
    findings.refuse({ path: ["port"], message: "is missing", remedy: "give the destination port, 0 to 65535" });
  }
}

/** The packet that an ICMP error quotes. */
const quoted = checked(z.strictObject({ ...route, ...headers }), (value, findings) =>
  checkHeaders(value, false, findings),
);

const fragment = z.strictObject({
  id: whole(0, 0xffff_ffff),
  /** Bytes. */
  offset: whole(0, 65528).default(0),
  more: z.boolean("is neither true nor false").default(false),
});

const packetFields = z.strictObject({
  ...route,
  ...headers,
  /** Next-hop MTU that a "packet too big" tells. */
  mtu: whole(0, 0xffff_ffff).optional(),
  quoting: quoted.optional(),
  fragment: fragment.optional(),
  /** IPv4 TTL, IPv6 hop limit; absent: what real senders use. */
  hopLimit: whole(0, 255).optional(),
  /** Bytes after the transport header. */
  payload: whole(0, 65_000).optional(),
  /** The same packet so many times. */
  count: whole(1, 1_000_000).default(1),
});

export const packetAction = checked(packetFields, (value, findings) => {
  const later = findings.sound("fragment") && (value.fragment?.offset ?? 0) > 0;
  checkHeaders(value, later, findings);
  for (const name of ["mtu", "quoting"] as const) {
    if (value[name] === undefined || !findings.sound("protocol") || isIcmp(value.protocol)) continue;
    findings.refuse({
      path: [name],
      message: "belongs to icmp and icmpv6 errors only",
      remedy: `remove ${name}, or set protocol to icmp or icmpv6`,
    });
  }
  if (later && (value.fragment?.offset ?? 0) % 8 !== 0) {
    findings.refuse({
      path: ["fragment", "offset"],
      message: "is not a multiple of 8",
      remedy: "give an offset in bytes that 8 divides",
    });
  }
});

export const connectAction = z.strictObject({
  name: text,
  ...route,
  protocol: socketProtocol,
  sourcePort: port.optional(),
  port,
});

export const exchangeAction = z.strictObject({ name: text });

export const closeAction = z.strictObject({ name: text, how: word(["fin", "rst"]).default("fin") });

const floodFields = z.strictObject({ ...route, protocol, port: port.optional(), flows: whole(1, 45_000) });

export const floodAction = checked(floodFields, (value, findings) => {
  if (!findings.sound("protocol")) return;
  if (!isIcmp(value.protocol) && value.protocol !== 6 && value.protocol !== 17) {
    findings.refuse({ path: ["protocol"], message: "has no flows to count", remedy: "use tcp, udp, icmp or icmpv6" });
  } else checkHeaders(value, false, findings);
});

/** Pods end by `removePod`, which takes their namespace and interface too. */
const deletable = (Object.keys(kinds) as KindName[]).filter((kind) => kind !== "Pod");

const kindName = field<KindName>(
  (value) => deletable.find((kind) => kind === value),
  "is no kind that can be deleted here",
  `use one of ${deletable.join(", ")}; a pod ends by removePod`,
);

const deleteFields = z.strictObject({ kind: kindName, name: objectName, namespace: objectName.optional() });

/** What `delete` names: one object. */
export const deleteAction = checked(deleteFields, ({ kind, namespace }, findings) => {
  if (!findings.sound("kind") || namespace === undefined || kinds[kind].namespaced) return;
  findings.refuse({ path: ["namespace"], message: `is not for a ${kind}`, remedy: "remove it" });
});

export const advanceAction = duration;

export type QuotedPacket = z.output<typeof quoted>;
export type PacketAction = z.output<typeof packetAction>;
export type ConnectAction = z.output<typeof connectAction>;
export type ExchangeAction = z.output<typeof exchangeAction>;
export type CloseAction = z.output<typeof closeAction>;
export type FloodAction = z.output<typeof floodAction>;
export type DeleteAction = z.output<typeof deleteAction>;
