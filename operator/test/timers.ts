import { setImmediate } from "node:timers/promises";
import type { Timers } from "../kube/ports.ts";

interface Alarm {
  readonly at: number;
  readonly call: () => void;
}

/** Time that passes only when a test says so. */
export class FakeTimers implements Timers {
  #now = 0;
  readonly #alarms = new Set<Alarm>();

  elapsed(): number {
    return this.#now;
  }

  after(milliseconds: number, call: () => void): () => void {
    const alarm = { at: this.#now + milliseconds, call };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Lets so much time pass, alarm by alarm, and what is waiting for each alarm go on. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settled();
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = next.at;
      next.call();
      await settled();
    }
    this.#now = end;
  }
}

/** Until everything that can go on without time has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}
