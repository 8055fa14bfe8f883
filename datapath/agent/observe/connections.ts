import { formatAddress } from "../../../semantics/address.ts";
import type { ConnectionRow } from "../../../semantics/observation.ts";
import type { Address } from "../../../semantics/policy.ts";
import type { ConnectionState } from "../../../semantics/verdict.ts";
import { constants, structs } from "../abi.generated.ts";
import type { EndpointView } from "../apply/endpoints.ts";
import { StructView } from "../bytes.ts";
import type { TickClock } from "../clock.ts";

const states: Readonly<Record<number, ConnectionState>> = {
  [constants.STATE_OPENING]: "opening",
  [constants.STATE_ESTABLISHED]: "established",
  [constants.STATE_CLOSING]: "closing",
  [constants.STATE_DATAGRAM]: "datagram",
  [constants.STATE_STREAM]: "stream",
  [constants.STATE_ECHO]: "echo",
  [constants.STATE_GENERIC]: "generic",
};

/** Where and when an entry is read. */
export interface Reading {
  readonly endpoint: EndpointView;
  readonly clock: TickClock;
  /** Ticks. */
  readonly now: number;
}

function localAddress(endpoint: EndpointView, family: 4 | 6, serial: number): Address | undefined {
  const serials = family === 4 ? "ipv4_serial" : "ipv6_serial";
  for (let slot = 0; slot < constants.ENDPOINT_ADDRESSES; slot++) {
    if (endpoint.u16(serials, slot) === serial) {
      return formatAddress(family === 4 ? endpoint.window("ipv4", 4, slot) : endpoint.window("ipv6", 16, slot));
    }
  }
  return undefined;
}

/** Decodes one entry of the connection table; undefined for one that is not this endpoint's, or no longer lives. */
export function readConnection(
  row: StructView<"connection_row">,
  { endpoint, clock, now }: Reading,
): ConnectionRow | undefined {
  const bytes = row.window("key", structs.connection_key.size);
  const key = new StructView("connection_key", bytes.buffer, bytes.byteOffset);
  if (key.u32("endpoint") !== endpoint.u32("id")) {
    return undefined;
  }
  const word = row.u64("word");
  const stateNumber = Number((word >> 32n) & 0xffn);
  const state = states[stateNumber];
  const flags = Number((word >> 40n) & 0xffn);
  const idle = Math.max(0, now - Number(word & 0xffffffffn));
  const timeout = endpoint.u32("timeouts", stateNumber);
  const kind = key.window("kind", 1)[0] ?? 0;
  const family = (kind & constants.KIND_IPV6) !== 0 ? 6 : 4;
  const local = localAddress(endpoint, family, key.u16("serial"));
  if (state === undefined || idle >= timeout || local === undefined) {
    return undefined;
  }
  const echoByRemote = (kind & constants.KIND_REMOTE_REQUEST) !== 0;
  return {
    protocol: key.window("protocol", 1)[0] ?? 0,
    family,
    remote: formatAddress(key.window("remote", family === 4 ? 4 : 16)),
    local,
    port: echoByRemote ? key.u16("remote_port") : key.u16("local_port"),
    remotePort: echoByRemote ? 0 : key.u16("remote_port"),
    state,
    origin: (flags & constants.CONNECTION_ORIGIN_EGRESS) !== 0 ? "local" : "remote",
    idle: Math.floor(idle / clock.perSecond),
    remaining: Math.ceil((timeout - idle) / clock.perSecond),
  };
}
