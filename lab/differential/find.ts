import { generateSequence, longestSequence } from "./generate/sequence.ts";
import { type Difference, playSequence, type Sides } from "./play.ts";
import type { Sequence } from "./sequence.ts";
import { shrinkSequence } from "./shrink.ts";

/** A difference, by a sequence that is as small as it gets. */
export interface Finding {
  readonly difference: Difference;
  readonly sequence: Sequence;
  /** Of the sequence that it was found in, with so many packets. */
  readonly seed: number;
  readonly packets: number;
}

/** What so many packets are made of: sequences of their own, each of which its seed alone gives again. */
export function* sequenceSeeds(seed: number, packets: number): Generator<{ seed: number; packets: number }> {
  let next = seed;
  for (let left = packets; left > 0; left -= longestSequence) {
    yield { seed: next, packets: Math.min(left, longestSequence) };
    next = (next + 1) % 2 ** 32;
  }
}

/** Puts so many random packets to both sides; stops at the first difference, and shrinks it. */
export async function findDifference(
  sides: Sides,
  seed: number,
  packets: number,
  progress: (played: number) => void = () => {},
): Promise<Finding | undefined> {
  let played = 0;
  for (const part of sequenceSeeds(seed, packets)) {
    const sequence = generateSequence(part.seed, part.packets);
    const difference = await playSequence(sides, sequence);
    if (difference !== undefined) return { ...part, ...(await shrink(sides, sequence, difference)) };
    played += part.packets;
    progress(played);
  }
  return undefined;
}

/** What makes two differences the same one to a reader; positions change as steps go. */
function signatureOf(difference: Difference): string {
  if (difference.kind === "state") return "state";
  const { model, kernel } = difference;
  return `${model.reason} ${model.tracking} ${kernel.reason} ${kernel.tracking}`;
}

/** The smallest sequence with the same kind of difference. */
async function shrink(
  sides: Sides,
  sequence: Sequence,
  difference: Difference,
): Promise<Pick<Finding, "sequence" | "difference">> {
  const signature = signatureOf(difference);
  const differs = async (candidate: Sequence) => {
    const found = await playSequence(sides, candidate);
    return found !== undefined && signatureOf(found) === signature ? found : undefined;
  };
  const upToIt = { ...sequence, steps: sequence.steps.slice(0, difference.step + 1) };
  const smallest = await shrinkSequence(upToIt, async (candidate) => (await differs(candidate)) !== undefined);
  return { sequence: smallest, difference: (await differs(smallest)) ?? difference };
}
