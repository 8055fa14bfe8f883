import type { Transport } from "../../semantics/packet.ts";
import { tcpFlags } from "../../semantics/packet.ts";
import { familyOf } from "./packets.ts";
import type { Conversation, WirePacket } from "./ports.ts";

/** One packet of a played conversation: who sends it, and what. */
export interface Turn {
  readonly sender: "client" | "server";
  /** TCP flags; nothing for UDP. */
  readonly flags?: number;
}

const { SYN, ACK, PSH, FIN, RST } = tcpFlags;

/** The packets that a real connection sends at each stage, if none is dropped. */
const tcpTurns = {
  connect: [
    { sender: "client", flags: SYN },
    { sender: "server", flags: SYN | ACK },
    { sender: "client", flags: ACK },
  ],
  exchange: [
    { sender: "client", flags: PSH | ACK },
    { sender: "server", flags: ACK },
    { sender: "server", flags: PSH | ACK },
    { sender: "client", flags: ACK },
  ],
  fin: [
    { sender: "client", flags: FIN | ACK },
    { sender: "server", flags: FIN | ACK },
    { sender: "client", flags: ACK },
  ],
  rst: [{ sender: "client", flags: RST | ACK }],
} as const satisfies Record<string, readonly Turn[]>;

const udpRound: readonly Turn[] = [{ sender: "client" }, { sender: "server" }];

export type Stage = keyof typeof tcpTurns;

/** The turns of one stage; UDP has nothing to say at its end. */
export function turnsOf(conversation: Conversation, stage: Stage): readonly Turn[] {
  if (conversation.protocol === 6) return tcpTurns[stage];
  return stage === "connect" || stage === "exchange" ? udpRound : [];
}

/** The packet of one turn. */
export function turnPacket(conversation: Conversation, turn: Turn): WirePacket {
  const forth = turn.sender === "client";
  const family = familyOf(conversation.source);
  const [sourcePort, port] = forth
    ? [conversation.sourcePort, conversation.port]
    : [conversation.port, conversation.sourcePort];
  const transport: Transport =
    turn.flags === undefined ? { kind: "udp", sourcePort, port } : { kind: "tcp", sourcePort, port, flags: turn.flags };
  const payload = turn.flags === undefined || (turn.flags & PSH) !== 0 ? 8 : 0;
  return {
    family,
    source: forth ? conversation.source : conversation.destination,
    destination: forth ? conversation.destination : conversation.source,
    transport,
    hopLimit: 64,
    length: 14 + (family === 4 ? 20 : 40) + (turn.flags === undefined ? 8 : 20) + payload,
    fromNode: (forth ? conversation.from : conversation.to).kind === "node",
    payload,
  };
}
