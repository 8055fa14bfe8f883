import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

/** What a run does; every value is a command-line flag. */
export interface DifferentialConfig {
  /** How many random packets; without effect on a replay. */
  readonly packets: number;
  readonly seed: number;
  /** A file that an earlier run wrote, to be played in place of random packets. */
  readonly replay?: string;
  /** The compiled datapath. */
  readonly object: string;
}

const options = {
  packets: { type: "string", default: "20000" },
  seed: { type: "string" },
  replay: { type: "string" },
  object: { type: "string", default: "build/bpf/sallyport.bpf.o" },
} as const;

const seeds = 2 ** 32;

/** A seed that nobody chose. */
export function chanceSeed(): number {
  return randomInt(seeds);
}

function whole(flag: string, text: string, least: number, below: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || value >= below) {
    throw new Error(`--${flag} ${text}: give a whole number from ${least} to ${below - 1}`);
  }
  return value;
}

/** Reads the command line. Errors name the flag, its value and what to give. */
export function readConfig(args: readonly string[]): DifferentialConfig {
  const { values } = parseArgs({ args: [...args], options, strict: true });
  return {
    packets: whole("packets", values.packets, 1, 2 ** 40),
    seed: values.seed === undefined ? chanceSeed() : whole("seed", values.seed, 0, seeds),
    ...(values.replay === undefined ? {} : { replay: values.replay }),
    object: values.object,
  };
}
