import type { Address, Direction, Family, ProtocolNumber } from "../policy.ts";
import { icmpMessage } from "./icmp.ts";
import { opposite, type PacketView } from "./view.ts";

/** What one entry of the connection table is about: both directions of it meet there (S-31). */
export interface Flow {
  readonly family: Family;
  readonly protocol: ProtocolNumber;
  readonly local: Address;
  readonly remote: Address;
  /** Local port; of an echo its identifier, whoever asked; of other protocols 0 (S-32). */
  readonly port: number;
  readonly remotePort: number;
  /** Echo only: the direction of the requests, which is part of the key (S-31). */
  readonly requests?: Direction;
}

/** The flow that a packet could belong to; undefined: no entry is ever about such a packet (S-31a). */
export function flowOf(view: PacketView): Flow | undefined {
  const { family, protocol, transport, direction } = view;
  const ends = { family, protocol, local: view.local.text, remote: view.remote.text };
  switch (transport.kind) {
    case "tcp":
    case "udp":
      return { ...ends, port: view.localPort, remotePort: view.remotePort };
    case "other":
      return { ...ends, port: 0, remotePort: 0 };
    case "icmp": {
      const message = icmpMessage(family, transport.type, transport.code);
      if (message !== "echo-request" && message !== "echo-reply") return undefined;
      const requests = message === "echo-request" ? direction : opposite(direction);
      return { ...ends, port: transport.id, remotePort: 0, requests };
    }
    case "fragment":
      return undefined;
  }
}

/** Text that is the same for packets of one flow only. It has no endpoint in it: each endpoint has its own table. */
export function flowKey({ protocol, local, remote, port, remotePort, requests = "egress" }: Flow): string {
  return `${protocol} ${local} ${port} ${remote} ${remotePort} ${requests}`;
}
