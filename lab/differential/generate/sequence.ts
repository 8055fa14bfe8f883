import { Chance } from "../chance.ts";
import type { Sequence, Step } from "../sequence.ts";
import { changeDraft, firstDraft } from "./change.ts";
import { worldOf } from "./draft.ts";
import { PacketSource } from "./packet.ts";

/** Packets between two events, on average. */
const packetsPerEvent = 60;

/** Packets of the longest sequence: a node's life, from nothing on. */
export const longestSequence = 1000;

/** Small tables fill up (S-72); most do not. */
const tableSizes = [5, 1024, 1024] as const;

function advance(chance: Chance): Step {
  const seconds = chance.weighted(
    [6, () => chance.between(1, 8) / 4],
    [3, () => chance.pick([10, 9.75, 30, 29.75])],
    [2, () => chance.pick([45, 60, 59.75, 180])],
    [1, () => chance.pick([350, 349.75, 600, 599.75])],
  );
  return { kind: "advance", seconds, sweeps: chance.onceIn(2) };
}

/** A random sequence with so many packets, the same for the same seed. */
export function generateSequence(seed: number, packets: number): Sequence {
  const chance = new Chance(seed);
  const source = new PacketSource(chance);
  let pods = 0;
  const nextUid = () => `pod-${pods++}`;
  let draft = firstDraft(chance, nextUid);
  let world = worldOf(draft);
  const steps: Step[] = [{ kind: "program", because: "the node starts", world }];
  for (let sent = 0; sent < packets; ) {
    if (world.endpoints.length === 0 || chance.onceIn(packetsPerEvent * 2)) {
      const changed = changeDraft(draft, chance, nextUid);
      draft = changed.draft;
      world = worldOf(draft);
      steps.push({ kind: "program", because: changed.because, world });
    } else if (chance.onceIn(packetsPerEvent)) {
      steps.push(advance(chance));
    } else {
      steps.push({ kind: "packet", ...source.next(world) });
      sent += 1;
    }
  }
  return { tableSize: chance.pick(tableSizes), steps };
}
