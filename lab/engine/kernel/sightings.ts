import type { VerdictRecord } from "../../../datapath/agent/control.ts";
import type { Direction } from "../../../semantics/policy.ts";
import type { Machine, Sighting } from "../ports.ts";

/** The endpoints that a packet meets on its way; a machine that is no pod is none. */
export interface Way {
  readonly from: Machine;
  readonly to: Machine;
}

/** How far some packets are known to have come. */
export interface Progress {
  /** Every packet has met the last endpoint that it will meet. */
  readonly judged: boolean;
  /** How many were let pass by all. */
  readonly passed: number;
}

const at = (records: readonly VerdictRecord[], machine: Machine, direction: Direction): VerdictRecord[] =>
  machine.uid === undefined
    ? []
    : records.filter((record) => record.uid === machine.uid && record.direction === direction);

/** What the verdicts say of `sent` packets; nothing, where no endpoint is on their way. */
export function progressOf(records: readonly VerdictRecord[], { from, to }: Way, sent: number): Progress | undefined {
  if (from.uid === undefined && to.uid === undefined) return undefined;
  const leaving = at(records, from, "egress");
  const left = from.uid === undefined ? sent : leaving.filter(({ pass }) => pass).length;
  const allLeft = from.uid === undefined || leaving.length >= sent;
  if (to.uid === undefined) return { judged: allLeft, passed: left };
  const entering = at(records, to, "ingress");
  return { judged: allLeft && entering.length >= left, passed: entering.filter(({ pass }) => pass).length };
}

function sightingsOf(...records: readonly (VerdictRecord | undefined)[]): Sighting[] {
  return records.flatMap((record) => {
    if (record === undefined) return [];
    const { uid, direction, pass, reason, tracking } = record;
    return [{ uid, direction, verdict: { pass, reason, tracking } }];
  });
}

/** The verdicts on the last of several packets that went one way, one after another. */
export function lastPacket(records: readonly VerdictRecord[], { from, to }: Way): Sighting[] {
  const left = at(records, from, "egress").at(-1);
  return left?.pass === false ? sightingsOf(left) : sightingsOf(left, at(records, to, "ingress").at(-1));
}

/** Neighbour discovery of a real stack comes before its packets and is exempt; it is not what a step asks about. */
const isPacket = (record: VerdictRecord): boolean => record.reason !== "exempt";

/** The verdicts on the first packet of a conversation, which goes this way. */
export function firstPacket(records: readonly VerdictRecord[], { from, to }: Way): Sighting[] {
  const first = (all: readonly VerdictRecord[]): VerdictRecord | undefined => all.find(isPacket) ?? all[0];
  return sightingsOf(first(at(records, from, "egress")), first(at(records, to, "ingress")));
}

/** The verdicts on the first packet of a conversation that was dropped, whichever way it went. */
export function droppedPacket(records: readonly VerdictRecord[], { from, to }: Way): Sighting[] {
  const index = records.findIndex(({ pass }) => !pass);
  const dropped = records[index];
  if (dropped === undefined) return [];
  if (dropped.direction === "egress") return sightingsOf(dropped);
  const before = at(records.slice(0, index), dropped.uid === from.uid ? to : from, "egress");
  return sightingsOf(before.findLast(isPacket) ?? before.at(-1), dropped);
}
