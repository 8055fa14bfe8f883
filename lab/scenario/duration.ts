const unitSeconds = { ms: 0.001, s: 1, m: 60, h: 3600 } as const;

/** What a duration may look like, for messages. */
export const durationForm = "a number with ms, s, m or h, such as 31s, 5m or 1h, in steps of 250 ms";

/**
 * Seconds of `31s`, `5m`, `1h`, `1m30s` or `250ms`; undefined where the text is none, or is finer than the
 * quarter second by which the datapath's clock can be moved.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    seconds += Number(amount) * unitSeconds[unit as keyof typeof unitSeconds];
  }
  const quarters = Math.round(seconds * 4);
  return Math.abs(quarters / 4 - seconds) < 1e-6 ? quarters / 4 : undefined;
}
