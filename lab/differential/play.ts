import { isDeepStrictEqual } from "node:util";
import type { Judged } from "../../semantics/observation.ts";
import { frameOf } from "./frame.ts";
import type { Sequence, Step, World } from "./sequence.ts";
import type { Framed, Observation, Side } from "./side.ts";

/** The two that are compared. */
export interface Sides {
  readonly model: Side;
  readonly kernel: Side;
}

/** The first thing that they do not agree on. */
export type Difference =
  | { readonly kind: "verdict"; readonly step: number; readonly model: Judged; readonly kernel: Judged }
  | {
      readonly kind: "state";
      /** The step after which it was seen. */
      readonly step: number;
      readonly uid: string;
      readonly model: Observation;
      readonly kernel: Observation;
    };

/** Packets that are judged at once: state is compared after each batch. */
const batchSize = 100;

type PacketStep = Extract<Step, { kind: "packet" }>;

/** Plays a sequence on both sides; undefined: they agree. */
export async function playSequence(
  { model, kernel }: Sides,
  { tableSize, steps }: Sequence,
): Promise<Difference | undefined> {
  const both = async (act: (side: Side) => Promise<void>) => {
    await act(model);
    await act(kernel);
  };
  await both((side) => side.begin(tableSize));
  let world: World | undefined;
  for (let at = 0; at < steps.length; ) {
    const step = steps[at];
    if (step === undefined) break;
    let done = at + 1;
    switch (step.kind) {
      case "program":
        world = step.world;
        await both((side) => side.program(step.world));
        break;
      case "advance":
        await both((side) => side.advance(step.seconds, step.sweeps));
        break;
      case "packet": {
        const batch = packetsFrom(steps, at);
        const difference = await judgeBatch({ model, kernel }, batch, at);
        if (difference !== undefined) return difference;
        done = at + batch.length;
        break;
      }
    }
    const difference = await observe({ model, kernel }, world, done - 1);
    if (difference !== undefined) return difference;
    at = done;
  }
  return undefined;
}

function packetsFrom(steps: readonly Step[], from: number): PacketStep[] {
  const batch: PacketStep[] = [];
  for (const step of steps.slice(from, from + batchSize)) {
    if (step.kind !== "packet") break;
    batch.push(step);
  }
  return batch;
}

async function judgeBatch(
  { model, kernel }: Sides,
  batch: readonly PacketStep[],
  from: number,
): Promise<Difference | undefined> {
  const framed = batch.map((step): Framed => ({ ...step, frame: frameOf(step) }));
  const [expected, actual] = [await model.judge(framed), await kernel.judge(framed)];
  for (const [index, ours] of expected.entries()) {
    const theirs = actual[index];
    if (theirs !== undefined && !isDeepStrictEqual(ours, theirs)) {
      return { kind: "verdict", step: from + index, model: ours, kernel: theirs };
    }
  }
  return undefined;
}

async function observe(
  { model, kernel }: Sides,
  world: World | undefined,
  step: number,
): Promise<Difference | undefined> {
  for (const { uid } of world?.endpoints ?? []) {
    const [ours, theirs] = [await model.observe(uid), await kernel.observe(uid)];
    if (!isDeepStrictEqual(ours, theirs)) return { kind: "state", step, uid, model: ours, kernel: theirs };
  }
  return undefined;
}
