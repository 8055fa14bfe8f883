import type { ConnectionRow } from "../observation.ts";
import type { Timeouts } from "../policy.ts";
import { ticksPerSecond } from "./clock.ts";
import { type Flow, flowKey } from "./flow.ts";
import { beginProgress, idleTimeout, nextProgress, type Progress } from "./progress.ts";
import { isPlainSyn, type PacketView } from "./view.ts";

/** One entry. */
export interface Connection {
  readonly flow: Flow;
  progress: Progress;
  /** Ticks; when the last packet passed by it. */
  seen: number;
}

/** Places that tables share: those of the node's own table (S-72). */
export interface Room {
  readonly size: number;
  used: number;
}

/** The entries of one endpoint; nobody else's packets reach them (S-71). Times are ticks. */
export class ConnectionTable {
  readonly #entries = new Map<string, Connection>();
  readonly #room: Room;
  /** Changed ones hold for live entries at once (S-71). */
  timeouts: Timeouts;

  constructor(room: Room, timeouts: Timeouts) {
    this.#room = room;
    this.timeouts = timeouts;
  }

  /** Entries, those included whose time is up and which no lookup or sweep has met (S-71). */
  get used(): number {
    return this.#entries.size;
  }

  /** The live entry of a flow. One whose time is up admits nothing and leaves (S-38, S-71). */
  find(flow: Flow, now: number): Connection | undefined {
    const key = flowKey(flow);
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#remaining(entry, now) > 0) return entry;
    this.#remove(key);
    return undefined;
  }

  /** The live entry of a flow; neither refreshes nor removes (S-34). */
  peek(flow: Flow, now: number): Connection | undefined {
    const entry = this.#entries.get(flowKey(flow));
    return entry !== undefined && this.#remaining(entry, now) > 0 ? entry : undefined;
  }

  /** Moves an entry on by a packet that passes by it. */
  touch(entry: Connection, view: PacketView, now: number): void {
    entry.progress = nextProgress(entry.progress, view);
    entry.seen = now;
  }

  /**
   * Why a flow can't have an entry: the endpoint has `most` (S-70), or the node has no room (S-72), asked in this
   * order, so that what a pod may not use anyhow is never called the node's fault. A flow that has a place keeps it
   * (S-39).
   */
  refusal(flow: Flow, most: number, now: number): "conntrack-allowance" | "table-full" | undefined {
    if (this.find(flow, now) !== undefined) return undefined;
    if (this.used >= most) return "conntrack-allowance";
    return this.#room.used >= this.#room.size ? "table-full" : undefined;
  }

  /** Makes the flow's entry, in the place of one that it has. */
  begin(flow: Flow, view: PacketView, now: number): Connection {
    const key = flowKey(flow);
    if (!this.#entries.has(key)) this.#room.used += 1;
    const entry = { flow, progress: beginProgress(view), seen: now };
    this.#entries.set(key, entry);
    return entry;
  }

  /** Removes what is idle for its timeout. */
  sweep(now: number): void {
    this.removeIf((entry) => this.#remaining(entry, now) <= 0);
  }

  removeIf(goes: (entry: Connection) => boolean): void {
    for (const [key, entry] of this.#entries) if (goes(entry)) this.#remove(key);
  }

  /** The live entries. */
  rows(now: number): ConnectionRow[] {
    return [...this.#entries.values()]
      .filter((entry) => this.#remaining(entry, now) > 0)
      .map((entry) => {
        const { family, protocol, local, remote, port, remotePort } = entry.flow;
        return {
          ...{ family, protocol, local, remote, port, remotePort },
          state: entry.progress.state,
          origin: entry.progress.origin === "egress" ? "local" : "remote",
          idle: Math.floor((now - entry.seen) / ticksPerSecond),
          remaining: Math.ceil(this.#remaining(entry, now) / ticksPerSecond),
        };
      });
  }

  #remaining({ progress, seen }: Connection, now: number): number {
    return idleTimeout(progress.state, this.timeouts) * ticksPerSecond - (now - seen);
  }

  #remove(key: string): void {
    this.#entries.delete(key);
    this.#room.used -= 1;
  }
}

/** S-39: a new SYN on a closing connection is judged by the rules, as if there were no entry. */
export function opensAnew({ progress }: Connection, view: PacketView): boolean {
  return progress.state === "closing" && isPlainSyn(view);
}
