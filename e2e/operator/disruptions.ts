import fc from "fast-check";
import { kinds } from "../../operator/ports.ts";
import { anyChange, anyRemoval } from "./changes.ts";
import type { Fault } from "./fault-proxy.ts";
import type { Stage, Step } from "./stage.ts";

/** As many watches as the operator has, one for each kind. */
const allWatches = Object.keys(kinds).length;

const isWatch = (method: string, url: string): boolean => method === "GET" && url.includes("watch=true");
const isWrite = (method: string): boolean => method !== "GET";
const isAnything = (): boolean => true;

type Matches = (method: string, url: string) => boolean;

/**
 * Some requests meet a fault. Watches are cut first, so that others begin; and faults that are left over are called off,
 * lest waits grow beyond what a test can wait for.
 */
const planned = (text: string, fault: Fault, matches: Matches, times: number): Step => ({
  text: `${text} ${JSON.stringify(fault)}`,
  carryOut: async ({ proxy }) => {
    if (matches === isWatch) proxy.heal();
    proxy.plan(fault, matches, times);
  },
});

const cuts: fc.Arbitrary<Step> = fc
  .integer({ min: 0, max: 3000 })
  .map((bytes) => planned("watches are cut", { kind: "cut", bytes }, isWatch, allWatches));

/** The write is done and its answer is lost. */
const lostAnswers: fc.Arbitrary<Step> = fc
  .integer({ min: 1, max: 3 })
  .map((times) => planned("answers to writes are lost", { kind: "cut", bytes: 1 }, isWrite, times));

/** Every watch is too old to go on. */
const expiries: fc.Arbitrary<Step> = fc.constantFrom(
  planned("watches are told", { kind: "error-event", status: 410, reason: "Expired" }, isWatch, allWatches),
  planned("watches are refused", { kind: "status", status: 410 }, isWatch, allWatches),
);

/** The watches are cut, something happens before there are others, and these are too old: no event tells of it. */
export const anyLostEvents: fc.Arbitrary<Step> = fc
  .tuple(expiries, fc.array(anyRemoval, { minLength: 3, maxLength: 3 }), anyChange)
  .map(([expiry, removals, change]) => {
    const steps = [expiry, ...removals, change];
    return {
      text: steps.map(({ text }) => text).join(", unseen: "),
      carryOut: async (stage) => {
        for (const step of steps) await step.carryOut(stage);
      },
    };
  });

const others: readonly Step[] = [
  { text: "all connections are cut", carryOut: async ({ proxy }) => proxy.cutAll() },
  planned("watches fall silent", { kind: "silence", bytes: 200 }, isWatch, allWatches),
  planned("everything is refused", { kind: "status", status: 500 }, isAnything, 5),
  planned("the server asks for time", { kind: "status", status: 429, retryAfter: 1 }, isAnything, 4),
  planned("writes are slow", { kind: "delay", milliseconds: 300 }, isWrite, 3),
];

/** Anything that goes wrong between the operator and the API server. */
export const anyNetworkFault: fc.Arbitrary<Step> = fc.oneof(cuts, lostAnswers, fc.constantFrom(...others));

/** The operator's process ends, in good order or not, and another begins. */
export const anyRestart: fc.Arbitrary<Step> = fc
  .constantFrom("SIGKILL" as const, "SIGTERM" as const)
  .map((signal) => ({ text: `the operator gets ${signal}`, carryOut: ({ restart }) => restart(signal) }));

/** Parts of the control plane end and begin again. */
export const anyOutage: fc.Arbitrary<Step> = fc.constantFrom(
  {
    text: "the API server is stopped and started",
    carryOut: async ({ world: { plane } }: Stage) => {
      await plane.apiServer.stop();
      await plane.ready();
    },
  },
  {
    text: "the API server is killed and started",
    carryOut: async ({ world: { plane } }: Stage) => {
      await plane.apiServer.kill();
      await plane.ready();
    },
  },
  {
    text: "etcd is killed and started",
    carryOut: async ({ world: { plane } }: Stage) => {
      await plane.etcd.kill();
      await plane.ready();
    },
  },
);
