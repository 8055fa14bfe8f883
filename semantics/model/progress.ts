import { tcpFlags } from "../packet.ts";
import type { Direction, Timeouts } from "../policy.ts";
import type { ConnectionState } from "../verdict.ts";
import { hasFlag, isPlainSyn, type PacketView } from "./view.ts";

/** How far a connection has come. */
export interface Progress {
  readonly state: ConnectionState;
  /** Direction of the packet that made the entry. */
  readonly origin: Direction;
  /** TCP: it began with another packet than a plain SYN (S-40). */
  readonly midStream: boolean;
  /** TCP: the other side's SYN-ACK was seen (S-39). */
  readonly synAck: boolean;
  /** TCP: the directions in which a FIN was seen (S-39). */
  readonly fin: Readonly<Record<Direction, boolean>>;
  /** UDP: the second turn was seen (S-36). */
  readonly responded: boolean;
}

const noFin: Progress["fin"] = { ingress: false, egress: false };

function firstState({ transport }: PacketView): ConnectionState {
  switch (transport.kind) {
    case "tcp":
      return "opening";
    case "udp":
      return "datagram";
    case "icmp":
      return "echo";
    case "other":
    case "fragment":
      return "generic";
  }
}

/** The progress that an entry begins with. A FIN in mid-stream counts as its direction's FIN (S-40). */
export function beginProgress(view: PacketView): Progress {
  return {
    state: firstState(view),
    origin: view.direction,
    midStream: view.transport.kind === "tcp" && !isPlainSyn(view),
    synAck: false,
    fin: withFin(noFin, view),
    responded: false,
  };
}

/** The progress after a packet that passes by the entry. */
export function nextProgress(progress: Progress, view: PacketView): Progress {
  switch (view.transport.kind) {
    case "tcp":
      return nextTcp(progress, view);
    case "udp":
      return nextUdp(progress, view);
    case "icmp":
    case "other":
    case "fragment":
      return progress;
  }
}

/**
 * S-39, S-40. A RST closes, whether valid or forged, and so do FINs in both directions; what is closing never is
 * established again.
 */
function nextTcp(progress: Progress, view: PacketView): Progress {
  const fin = withFin(progress.fin, view);
  if (hasFlag(view, tcpFlags.RST) || (fin.ingress && fin.egress)) return { ...progress, fin, state: "closing" };
  if (progress.state !== "opening") return { ...progress, fin };
  return { ...progress, fin, ...(progress.midStream ? answerMidStream(progress, view) : shakeHands(progress, view)) };
}

/** S-40: any packet of the other side but a plain SYN answers a connection that began in mid-stream. */
function answerMidStream({ origin }: Progress, view: PacketView): Partial<Progress> {
  return view.direction !== origin && !isPlainSyn(view) ? { state: "established" } : {};
}

/** S-39: SYN, SYN-ACK from the other side, then a packet without SYN from the first. */
function shakeHands({ origin, synAck }: Progress, view: PacketView): Partial<Progress> {
  const syn = hasFlag(view, tcpFlags.SYN);
  if (view.direction !== origin) return syn && hasFlag(view, tcpFlags.ACK) ? { synAck: true } : {};
  return synAck && !syn ? { state: "established" } : {};
}

/** S-36: the third turn makes a stream, which is never demoted. */
function nextUdp(progress: Progress, { direction }: PacketView): Progress {
  if (direction !== progress.origin) return { ...progress, responded: true };
  return progress.responded ? { ...progress, state: "stream" } : progress;
}

function withFin(fin: Progress["fin"], view: PacketView): Progress["fin"] {
  return hasFlag(view, tcpFlags.FIN) ? { ...fin, [view.direction]: true } : fin;
}

/** Seconds that a connection lives in this state without a packet (S-32, S-35, S-36, S-39). */
export function idleTimeout(state: ConnectionState, timeouts: Timeouts): number {
  switch (state) {
    case "opening":
      return 30;
    case "established":
      return timeouts.tcpEstablished;
    case "closing":
      return 10;
    case "datagram":
      return timeouts.udp;
    case "stream":
      return timeouts.udpStream;
    case "echo":
      return 30;
    case "generic":
      return 600;
  }
}
