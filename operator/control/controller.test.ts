import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { parseConfig } from "../config.ts";
import type { Happening } from "../events/decide.ts";
import { MemoryApi } from "../memory/api.ts";
import { type Kind, kinds, type ObjectRef, type StoredObject } from "../ports.ts";
import type { SecurityGroupStatus } from "../status/security-group.ts";
import { SteppingClock } from "../test/cluster.ts";
import { FakeTimers } from "../test/timers.ts";
import { Controller } from "./controller.ts";

/** A controller over an API in memory that tells it of every change, its own writes too, as caches do. */
async function control() {
  const clock = new SteppingClock();
  const timers = new FakeTimers();
  const api = new MemoryApi(clock);
  const said: Happening[] = [];
  const controller = new Controller({
    api,
    config: parseConfig({}),
    clock,
    timers,
    chance: () => 0,
    queue: { interval: 100, backoff: { first: 50, most: 1000 } },
    reportDelay: 1000,
    memberInterval: 1000,
    record: (happening) => void said.push(happening),
    observer: {
      taken: () => undefined,
      reconciled: () => undefined,
      compiled: () => undefined,
      resolved: () => undefined,
    },
    log: pino({ enabled: false }),
  });
  for (const kind of Object.keys(kinds) as Kind[]) {
    const known = new Map<string, StoredObject>();
    await api.watch(kind, "0", ({ type, object }) => {
      const before = known.get(object.metadata.uid);
      if (type === "deleted") controller.changed({ kind, before: object });
      else controller.changed({ kind, ...(before ? { before } : {}), after: object });
      known.set(object.metadata.uid, object);
    });
  }
  const put = async ({ kind, ...place }: ObjectRef, spec: object, metadata = {}) => {
    const { apiVersion } = kinds[kind];
    await api.apply({ apiVersion, kind, metadata: { ...place, ...metadata }, spec });
  };
  /** Leads until the returned function is called. */
  const lead = async (milliseconds = 2000): Promise<() => Promise<void>> => {
    const ending = new AbortController();
    const term = { signal: ending.signal, lost: new AbortController().signal, check: async () => undefined };
    const led = controller.lead(term);
    await timers.pass(milliseconds);
    return async () => {
      ending.abort();
      await led;
    };
  };
  return { api, timers, put, lead, said };
}

const policy = { kind: "SecurityGroupPolicy", namespace: "default", name: "eks" } as const;
const group = { kind: "SecurityGroup", namespace: "default", name: "by-id" } as const;
const naming = (...groupIds: readonly string[]) => ({ podSelector: {}, securityGroups: { groupIds } });

test("a policy that names an unknown group is told of once in a term, and again when that changes", async () => {
  const { put, lead, said, timers } = await control();
  const ofPolicy = async () => {
    await timers.pass(2000);
    return said.filter(({ ref, reason }) => ref.kind === "SecurityGroupPolicy" && reason === "GroupNotFound").length;
  };
  const annotations = { "sallyport.dev/ec2-group-id": "sg-1" };
  await put(policy, naming("sg-1"));
  const end = await lead();
  assert.equal(await ofPolicy(), 1);
  await put({ kind: "Namespace", name: "other" }, {});
  assert.equal(await ofPolicy(), 1, "a round about something else says nothing new");
  await put(group, { podSelector: {} }, { annotations });
  await put({ ...policy, name: "other" }, naming("sg-1"));
  assert.equal(await ofPolicy(), 1);
  await put(group, { podSelector: {} });
  assert.equal(await ofPolicy(), 3, "the same is unknown again, to both policies");
  await end();
  await (await lead())();
  assert.equal(await ofPolicy(), 5, "the next term does not know what the last one said");
});

const from = (port: string, name: string) => ({ protocol: "tcp", ports: port, from: [{ securityGroup: { name } }] });

/** A cluster with the group `web`, of which all pods are members, and its first pod, some seconds ago. */
async function rollout() {
  const { api, timers, put, lead } = await control();
  const pod = async (name: string, address: string | undefined, labels = {}) => {
    const ref = { kind: "Pod", namespace: "default", name } as const;
    if (address === undefined) return api.delete(ref);
    await put(ref, { nodeName: "n1", serviceAccountName: "default", containers: [] }, { labels });
    await api.applyStatus(ref, { phase: "Running", podIPs: [{ ip: address }] });
  };
  const web = { ...group, name: "web" };
  await put(web, { podSelector: {}, ingress: [from("80", "web")] });
  await pod("p0", "10.244.0.1");
  const end = await lead();
  /** Writes to a compiled kind since the last time this was asked. */
  const seen = new Map<Kind, number>();
  const writes = (kind: Kind): number => {
    const all = api.writes.filter(({ ref }) => ref.kind === kind).length;
    const before = seen.get(kind) ?? 0;
    seen.set(kind, all);
    return all - before;
  };
  const members = async () =>
    (await api.list("AddressSet")).items.flatMap(({ spec }) => (spec as { cidrs: readonly string[] }).cidrs);
  for (const kind of ["AddressSet", "NodePolicy", "RuleSet"] as const) writes(kind);
  return { timers, put, pod, web, lead, end, writes, members };
}

test("a lone pod is written at once; of a burst the policies go at once, the members once in a second", async () => {
  const { timers, pod, writes, members, end } = await rollout();
  await pod("p1", "10.244.0.2");
  await timers.pass(100);
  assert.deepEqual([writes("AddressSet"), writes("NodePolicy")], [1, 1]);
  for (let index = 2; index < 10; index += 1) {
    await pod(`p${index}`, `10.244.0.${index + 1}`);
    if (index > 4) await pod(`p${index - 3}`, undefined);
    await timers.pass(100);
    assert.deepEqual([writes("AddressSet"), writes("NodePolicy")], [0, 1], `pod ${index}`);
  }
  await timers.pass(200);
  assert.deepEqual([writes("AddressSet"), writes("NodePolicy")], [1, 0]);
  assert.deepEqual(await members(), [1, 2, 8, 9, 10].map((last) => `10.244.0.${last}/32`).sort());
  await timers.pass(10_000);
  assert.deepEqual([writes("AddressSet"), writes("NodePolicy")], [0, 0]);
  await end();
});

test("members that come and go before their turn are no write", async () => {
  const { timers, pod, writes, end } = await rollout();
  await pod("p1", "10.244.0.2");
  await timers.pass(200);
  writes("AddressSet");
  await pod("p2", "10.244.0.3");
  await timers.pass(200);
  await pod("p2", undefined);
  await timers.pass(10_000);
  assert.equal(writes("AddressSet"), 0);
  await end();
});

test("a rule that changes goes at once, and with it the members that wait", async () => {
  const { timers, put, pod, web, writes, members, end } = await rollout();
  await pod("p1", "10.244.0.2");
  await timers.pass(200);
  await pod("p2", "10.244.0.3");
  await timers.pass(200);
  assert.equal((await members()).length, 2);
  await put(web, { podSelector: {}, ingress: [from("81", "web")] });
  await timers.pass(100);
  assert.equal(writes("RuleSet"), 1);
  assert.equal((await members()).length, 3);
  await end();
});

test("another term waits for nothing that the last one left", async () => {
  const { timers, pod, members, lead, end } = await rollout();
  await pod("p1", "10.244.0.2");
  await timers.pass(200);
  await pod("p2", "10.244.0.3");
  await timers.pass(200);
  assert.equal((await members()).length, 2);
  await end();
  const endAgain = await lead(100);
  assert.equal((await members()).length, 3);
  await pod("p3", "10.244.0.4");
  await timers.pass(200);
  assert.equal((await members()).length, 3, "what the first round of a term wrote counts too");
  await endAgain();
});

test("what waits is written though nothing else happens", async () => {
  const { timers, pod, members, end } = await rollout();
  // Another address changes no status, whose change would be looked at too.
  await pod("p0", "10.244.0.2");
  await timers.pass(200);
  await pod("p0", "10.244.0.3");
  await timers.pass(600);
  assert.deepEqual(await members(), ["10.244.0.2/32"]);
  await timers.pass(300);
  assert.deepEqual(await members(), ["10.244.0.3/32"]);
  await end();
});

test("a pod that changes groups is a member all the time, whatever else its old set is written for", async () => {
  const { timers, put, pod, members, end } = await rollout();
  await put({ ...group, name: "web" }, { podSelector: { matchLabels: { web: "" } }, ingress: [from("80", "web")] });
  await put({ ...group, name: "db" }, { podSelector: { matchLabels: { db: "" } }, ingress: [from("80", "db")] });
  for (const [index, label] of ["web", "web", "db"].entries())
    await pod(`old${index}`, `10.244.1.${index}`, { [label]: "" });
  await timers.pass(5000);
  await pod("new", "10.244.2.1", { db: "" });
  await timers.pass(200);
  await pod("old0", "10.244.1.0", { db: "" });
  await timers.pass(200);
  await pod("old1", undefined);
  for (let step = 0; step < 20; step += 1) {
    await timers.pass(100);
    assert.ok((await members()).includes("10.244.1.0/32"), `after ${step} steps`);
  }
  assert.equal((await members()).includes("10.244.1.1/32"), false);
  await end();
});

test("who writes an object is told of it at once, who starts a pod with what is gathered", async () => {
  const { api, put, lead, timers } = await control();
  await put(group, { podSelector: {} });
  const end = await lead();
  const told = async () => ((await api.get(group))?.status as SecurityGroupStatus | undefined)?.attached;
  const spec = { nodeName: "n1", containers: [{ name: "main" }] };
  await put({ kind: "Pod", namespace: "default", name: "a" }, spec);
  await timers.pass(500);
  assert.equal(await told(), 0);
  await put(group, { podSelector: {}, description: "changed" });
  await timers.pass(100);
  assert.equal(await told(), 1);
  await put({ kind: "Pod", namespace: "default", name: "b" }, spec);
  await timers.pass(1200);
  assert.equal(await told(), 2);
  await end();
});
