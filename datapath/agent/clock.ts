import type { Timeouts } from "../../semantics/policy.ts";
import { constants } from "./abi.generated.ts";

/** How seconds become ticks of the datapath's clock (datapath/bpf/clock.h). */
export interface TickClock {
  /** Jiffies are shifted right by this. */
  readonly shift: number;
  /** Ticks a second; not whole while the clock runs. */
  readonly perSecond: number;
}

/** A standing clock's ticks are quarter seconds exactly, so that a test's boundaries are exact. */
export const standingClock: TickClock = { shift: 0, perSecond: 4 };

/** The coarsest ticks of at most a quarter second, roughly: fine beside the shortest timeout of 10 s. */
export function runningClock(hz: number): TickClock {
  const shift = Math.max(0, Math.round(Math.log2(hz / 4)));
  return { shift, perSecond: hz / 2 ** shift };
}

/** Ticks of a duration, rounded up: nothing expires early. */
export function ticksOf(clock: TickClock, seconds: number): number {
  return Math.ceil(seconds * clock.perSecond);
}

/** S-39: TCP before its handshake is complete, in seconds. */
const opening = 30;
/** S-39: TCP after a FIN in each direction or a RST. */
const closing = 10;
const echo = 30;
/** S-32. */
const generic = 600;

/** S-41: how long later fragments follow their first one, in seconds. */
export const fragmentLifetime = 30;

/** Idle timeouts by `connection_state`, in ticks. */
export function stateTimeouts(clock: TickClock, timeouts: Timeouts): number[] {
  const seconds: Record<number, number> = {
    [constants.STATE_OPENING]: opening,
    [constants.STATE_ESTABLISHED]: timeouts.tcpEstablished,
    [constants.STATE_CLOSING]: closing,
    [constants.STATE_DATAGRAM]: timeouts.udp,
    [constants.STATE_STREAM]: timeouts.udpStream,
    [constants.STATE_ECHO]: echo,
    [constants.STATE_GENERIC]: generic,
  };
  return Array.from({ length: constants.STATES }, (_, state) => ticksOf(clock, seconds[state] ?? 0));
}
