import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { parseConfig } from "../../operator/config.ts";
import { KubeApi } from "../../operator/kube/api.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemTimers } from "../../operator/kube/timers.ts";
import { KubeTransport, loadKubeConfig } from "../../operator/kube/transport.ts";
import type { ApiPort, Kind, StoredObject } from "../../operator/ports.ts";
import { reconcile } from "../../operator/reconcile/reconcile.ts";
import { anyChange } from "./changes.ts";
import { anyLostEvents, anyNetworkFault, anyOutage, anyRestart } from "./disruptions.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { OperatorProgram } from "./program.ts";
import { readOnly } from "./read-only.ts";
import type { Stage, Step } from "./stage.ts";
import { eventually, World } from "./world.ts";

/** What a failure prints; the same number makes the same changes and disruptions, though not at the same moments. */
const seed = Number(process.env["SALLYPORT_SEED"] ?? randomInt(2 ** 31));
const rounds = Number(process.env["SALLYPORT_ROUNDS"] ?? 2);
const changesInRound = 40;

const flags = [
  "--leader-election-lease=2000",
  "--leader-election-deadline=1500",
  "--leader-election-retry=200",
  "--report-delay=100",
];

const compiledKinds = ["RuleSet", "AddressSet", "NodePolicy", "NodeConfig"] as const;
const userKinds = ["SecurityGroup", "PrefixList", "NetworkACL", "AllowanceProfile", "TrackingPolicy"] as const;

let world: World;
let proxy: FaultProxy;
let kubeconfig: string;
let transport: KubeTransport;
let api: ApiPort;
let operator: OperatorProgram;

before(async () => {
  world = await World.start();
  proxy = await FaultProxy.start(world.operatorKubeconfig);
  kubeconfig = proxy.writeKubeconfig(join(world.plane.folder, "users", "proxy.kubeconfig"));
  transport = new KubeTransport(loadKubeConfig(world.plane.kubeconfig), systemTimers);
  const whole = new KubeApi(new KubeClient(transport));
  // EKS's kind is not installed.
  const none = { items: [], resourceVersion: "" };
  api = readOnly({
    get: (ref) => whole.get(ref),
    list: async (kind) => (kind === "SecurityGroupPolicy" ? none : whole.list(kind)),
  });
  operator = OperatorProgram.begin(kubeconfig, flags);
});

after(async () => {
  await operator.kill();
  transport.close();
  await proxy.stop();
  await world.stop();
});

/** Steps of one kind, each before one of the changes from the first on to the last that is given. */
const many = (steps: fc.Arbitrary<Step>, count: number, last = changesInRound - 1) =>
  fc.array(fc.tuple(fc.nat(last), steps), { minLength: count, maxLength: count });

/** A process that begins reads everything: what it misses later must have time to show. */
const lastRestart = Math.floor(changesInRound / 2);

const takesPart: Step = {
  text: "the operator is ready, and leads",
  carryOut: async () => {
    proxy.heal();
    await operator.ready();
    await eventually(() => assert.ok(operator.leads));
  },
};

/** A pause lets the operator take up what came before it, or just begin with it. */
const pause: fc.Arbitrary<Step> = fc.integer({ min: 0, max: 200 }).map((milliseconds) => ({
  text: `a pause of ${milliseconds} ms`,
  carryOut: () => sleep(milliseconds),
}));

/** Changes, and between them whatever can go wrong. */
const story: fc.Arbitrary<readonly Step[]> = fc
  .record({
    changes: fc.array(anyChange, { minLength: changesInRound, maxLength: changesInRound }),
    others: fc
      .tuple(
        many(pause, 12),
        many(anyNetworkFault, 6),
        many(anyLostEvents, 3),
        many(anyRestart, 2, lastRestart),
        many(anyOutage, 1),
      )
      .map((all) => all.flat()),
  })
  .map(({ changes, others }) =>
    changes.flatMap((change, index) => [
      ...others.filter(([before]) => before === index).map(([, step]) => step),
      ...(index === lastRestart ? [takesPart] : []),
      change,
    ]),
  );

const stage = (): Stage => ({
  world,
  proxy,
  restart: async (signal) => {
    await (signal === "SIGKILL" ? operator.kill() : operator.stop());
    operator = OperatorProgram.begin(kubeconfig, flags);
  },
});

/** Until the operator has caught up with everything. */
async function settled(): Promise<void> {
  await operator.ready();
  await eventually(() => reconcile(api, parseConfig(), { now: () => new Date(0).toISOString() }));
}

/** The text of objects, by kind and name: byte for byte what the API server keeps. */
async function textsOf(
  kinds: readonly Kind[],
  read: (object: StoredObject) => unknown,
): Promise<ReadonlyMap<string, string>> {
  const lists = await Promise.all(kinds.map(async (kind) => ({ kind, objects: await world.list(kind) })));
  return new Map(
    lists.flatMap(({ kind, objects }) =>
      objects.map((object): [string, string] => [`${kind} ${object.metadata.name}`, JSON.stringify(read(object))]),
    ),
  );
}

const contentOf = ({ metadata, spec }: StoredObject) => ({ labels: metadata.labels, spec });

/** Whose addresses are known, whatever slices hold them: slices stay as stable as they can, so they have a history. */
async function addresses(): Promise<ReadonlyMap<string, readonly string[]>> {
  const slices = (await world.list("AddressSet")).map(({ metadata, spec }) => {
    const { name, cidrs = [], ...whose } = spec as { name: string; kind: string; cidrs?: readonly string[] };
    const key = JSON.stringify([metadata.labels, whose.kind === "service" ? { name, ...whose } : whose]);
    return { key, cidrs };
  });
  const whole = Map.groupBy(slices, ({ key }) => key);
  return new Map([...whole].sort().map(([key, parts]) => [key, parts.flatMap(({ cidrs }) => cidrs).sort()]));
}

/** Everything that the operator writes, apart from times. */
async function written() {
  const status = ({ metadata, status }: StoredObject) => ({
    finalizers: metadata.finalizers,
    status: JSON.parse(JSON.stringify(status, (key, value) => (key === "lastTransitionTime" ? undefined : value))),
  });
  return {
    compiled: await textsOf(
      compiledKinds.filter((kind) => kind !== "AddressSet"),
      contentOf,
    ),
    addresses: await addresses(),
    told: await textsOf(userKinds, status),
  };
}

/** What an operator writes that finds nothing but the objects of users. */
async function freshStart() {
  await operator.stop();
  for (const kind of compiledKinds)
    for (const { metadata } of await world.list(kind)) await world.remove(kind, metadata.name);
  operator = OperatorProgram.begin(kubeconfig, flags);
  await settled();
  return written();
}

for (const [round, steps] of fc.sample(story, { seed, numRuns: rounds }).entries())
  test(`changes under disruptions end in what a fresh start makes of the final state, round ${round + 1}`, async () => {
    const done: string[] = [];
    try {
      for (const step of steps) {
        done.push(step.text);
        await step.carryOut(stage());
      }
      proxy.heal();
      await settled();
      const found = await written();
      assert.deepEqual(found, await freshStart());
    } catch (error) {
      throw new Error(`SALLYPORT_SEED=${seed}, round ${round + 1}, after:\n${done.join("\n")}`, { cause: error });
    }
  });
