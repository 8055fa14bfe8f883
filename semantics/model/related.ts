import type { Address } from "../policy.ts";
import { icmpMessage } from "./icmp.ts";
import type { KnownAddress } from "./prefixes.ts";
import { opposite, type PacketView, viewOf } from "./view.ts";

/**
 * S-34: the packet that an ICMP error quotes, as one of the opposite direction; undefined where it relates to
 * nothing: another message, a quote that does not fit its direction, or one of a later fragment, which has no ports.
 */
export function quotedBy(
  { packet, family, direction, transport }: PacketView,
  read: (address: Address) => KnownAddress,
): PacketView | undefined {
  if (transport.kind !== "icmp" || icmpMessage(family, transport.type, transport.code) !== "error") return undefined;
  const { quoted } = transport;
  if (quoted === undefined || quoted.broken || quoted.family !== family) return undefined;
  if (quoted.source !== packet.destination) return undefined;
  const view = viewOf(quoted, opposite(direction), read);
  return view.transport.kind === "fragment" ? undefined : view;
}
