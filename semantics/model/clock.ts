/** The model's clock moves in quarter seconds, as the standing clock of the lab's datapath does. */
export const ticksPerSecond = 4;

/** Ticks of a duration in seconds. A duration that no whole number of ticks makes is an error that names it. */
export function ticksOf(seconds: number): number {
  const ticks = seconds * ticksPerSecond;
  if (!Number.isSafeInteger(ticks) || ticks < 0) {
    throw new RangeError(`${seconds} s: the clock moves forward in quarter seconds; give a multiple of 0.25`);
  }
  return ticks;
}
