/** What decides when the connection table is swept next. */
export interface SweepLoad {
  /** Entries of all endpoints. */
  readonly entries: number;
  /** Some endpoint uses over nine tenths of its allowance. */
  readonly pressed: boolean;
  /** Seconds that the last sweep took. */
  readonly cost: number;
}

/** Seconds; with the time between two looks it stays within one. */
const soonest = 0.8;
const latest = 30;
/** Up to so many entries a sweep each second is cheap whatever it finds (S-71). */
const fewEntries = 50_000;
/** Share of a core that sweeping may take, and while an endpoint is pressed. */
const share = 0.01;
const pressedShare = 0.05;

/** Seconds from the end of one sweep to the next (S-71). */
export function sweepInterval({ entries, pressed, cost }: SweepLoad): number {
  if (pressed && entries <= fewEntries) return soonest;
  return Math.min(latest, Math.max(soonest, cost / (pressed ? pressedShare : share)));
}

/** What a sweeper does its work on. */
export interface Sweepable {
  sweep(): number;
  load(): Omit<SweepLoad, "cost">;
  /** Shows the programs that an agent is there. */
  beat(): void;
}

/** How often it is asked whether a sweep is due, in milliseconds: an endpoint may become pressed at any time. */
const tick = 100;

/** Sweeps by the wall clock until it is stopped. Errors go to `report`, and the next sweep comes all the same. */
export function startSweeping(table: Sweepable, report: (error: unknown) => void): () => void {
  let ended = performance.now();
  let cost = 0;
  const look = () => {
    const start = performance.now();
    table.beat();
    if (start - ended < sweepInterval({ ...table.load(), cost }) * 1000) return;
    try {
      table.sweep();
    } finally {
      ended = performance.now();
      cost = (ended - start) / 1000;
    }
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch (error) {
      report(error);
    }
  }, tick);
  return () => clearInterval(timer);
}
