import { execFileSync } from "node:child_process";
import { median } from "../statistics.ts";
import { type Filter, type Limits, startFilter } from "./filters.ts";
import { type Flows, FrameSource, type Sender } from "./frames.ts";
import { makeRouter, turnOffloadsOff } from "./router.ts";

/** How thoroughly to measure. */
export interface Effort {
  readonly filters: readonly Filter[];
  /** Established flows, ascending. */
  readonly flows: readonly number[];
  /** Rounds of each figure; the median counts. */
  readonly rounds: number;
  /** Frames of a round. */
  readonly frames: number;
  /** Milliseconds of one TCP stream. */
  readonly stream: number;
}

/** A figure of each filter, by its name: nanoseconds of a frame, or megabits a second. */
export type Figures = ReadonlyMap<Filter, number>;

/** One router for each filter, since what a namespace's packet filter tracks, it tracks for all. */
interface Lane {
  readonly filter: Filter;
  readonly source: FrameSource;
  close(): void;
}

async function withLanes<T>(
  filters: readonly Filter[],
  object: string,
  limits: Limits,
  body: (lanes: readonly Lane[]) => Promise<T>,
): Promise<T> {
  const lanes: Lane[] = [];
  try {
    for (const filter of filters) {
      const router = await makeRouter();
      const stop = await startFilter(filter, router, limits);
      const source = await FrameSource.start(router, object);
      const close = () => {
        source.close();
        stop();
      };
      lanes.push({ filter, source, close });
    }
    return await body(lanes);
  } finally {
    for (const lane of lanes) lane.close();
  }
}

/** What a round sends, and how many of its frames a filter is to let through. */
interface Round {
  readonly flows: (round: number) => Flows;
  readonly frames: number;
  readonly arriving: number;
}

/** Rounds with every filter in turn, so that what disturbs the machine meanwhile disturbs all of them. */
async function measureRounds(lanes: readonly Lane[], rounds: number, plan: Round): Promise<Figures> {
  const taken = new Map<Filter, number[]>(lanes.map(({ filter }) => [filter, []]));
  // The first round warms caches and predictors up.
  for (let round = 0; round <= rounds; round++) {
    for (const { filter, source } of lanes) {
      const sent = await source.send("client", plan.flows(round), plan.frames);
      if (round === 0 || sent === undefined) continue;
      checkArrived(filter, sent.arrived, filter === "none" ? plan.frames : plan.arriving);
      taken.get(filter)?.push(sent.nanoseconds);
    }
  }
  return new Map([...taken].map(([filter, values]) => [filter, median(values)]));
}

function checkArrived(filter: Filter, arrived: number, expected: number): void {
  if (arrived !== expected) throw new Error(`${filter}: ${arrived} frames came through, not ${expected}`);
}

/** Frames that one run sends when flows are made: a signal ends a run, and a short one is soon done again. */
const runFrames = 10_000;

/** Makes flows `from` up to `to`, with an answer and a second packet each, so that they are established everywhere. */
async function establish(lanes: readonly Lane[], from: number, to: number): Promise<void> {
  for (const lane of lanes) {
    for (let first = from; first < to; first += runFrames) {
      const count = Math.min(runFrames, to - first);
      for (const sender of ["client", "server", "client"] as const) await sendAll(lane, sender, first, count);
    }
  }
}

const mostTries = 100;

async function sendAll({ filter, source }: Lane, sender: Sender, first: number, count: number): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const sent = await source.send(sender, { first }, count);
    if (sent === undefined) continue;
    checkArrived(filter, sent.arrived, count);
    return;
  }
  throw new Error(`${filter}: signals kept ending the runs`);
}

/** Frames of flows that are there, in tables with so many flows; `report` hears each figure when it is there. */
export function measureEstablished(
  object: string,
  effort: Effort,
  report: (flows: number, figures: Figures) => void,
): Promise<void> {
  return withLanes(effort.filters, object, {}, async (lanes) => {
    let made = 0;
    for (const count of effort.flows) {
      await establish(lanes, made, count);
      made = count;
      const { frames, rounds } = effort;
      report(count, await measureRounds(lanes, rounds, { flows: () => ({ count }), frames, arriving: frames }));
    }
  });
}

/** So few frames a round that the tables keep room for the flows that they begin. */
const freshFrames = 4000;

/** Frames that each begin a flow. */
export function measureNew(object: string, { filters, rounds }: Effort): Promise<Figures> {
  const flows = (round: number) => ({ first: round * freshFrames });
  return withLanes(filters, object, {}, (lanes) =>
    measureRounds(lanes, rounds, { flows, frames: freshFrames, arriving: freshFrames }),
  );
}

/** Frames that would each begin a flow, from a client that has all the connections it may have. */
export function measureOverAllowance(object: string, { filters, rounds }: Effort): Promise<Figures> {
  const connections = 1000;
  const flows = (round: number) => ({ first: connections + round * freshFrames });
  return withLanes(filters, object, { connections }, async (lanes) => {
    await establish(lanes, 0, connections);
    return measureRounds(lanes, rounds, { flows, frames: freshFrames, arriving: 0 });
  });
}

const port = 5001;
/** Streams last long; more of them change little. */
const mostStreams = 9;

/** Megabits a second of one TCP connection whose sender makes a packet of each segment. `program` is stream.c. */
export async function measureStream(program: string, { filters, rounds, stream }: Effort): Promise<Figures> {
  const lanes = [];
  for (const filter of filters) {
    const router = await makeRouter();
    await turnOffloadsOff(router);
    const rates: number[] = [];
    lanes.push({ filter, router, rates, stop: await startFilter(filter, router, {}) });
  }
  for (let round = 0; round < Math.min(rounds, mostStreams); round++) {
    for (const { router, rates } of lanes) {
      const { server, client } = router;
      const args = [server.netns.path, client.netns.path, server.address, `${port}`, `${stream}`];
      rates.push((Number(execFileSync(program, args, { encoding: "utf8" })) * 8) / 1000 / stream);
    }
  }
  for (const { stop } of lanes) stop();
  return new Map(lanes.map(({ filter, rates }) => [filter, median(rates)]));
}
