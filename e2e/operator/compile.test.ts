import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { allow, endpointOf, membersOf } from "./policy.ts";
import { OperatorProgram } from "./program.ts";
import { ClusterWorld, eventually, refTo } from "./world.ts";

let world: ClusterWorld;
let operator: OperatorProgram;

before(async () => {
  world = await ClusterWorld.open();
  operator = await OperatorProgram.start(world.operatorKubeconfig, ["--report-delay=300"]);
});

after(async () => {
  await operator.stop();
  await world.stop();
});

test("a group and a pod are compiled: rules, members and the node's policy", async () => {
  await world.group("web", { ingress: [allow(80, "web", "db")] });
  await world.group("db", { ingress: [allow(5432, "web")] });
  await world.pod("web", { labels: { web: "" } });
  await world.address("web", "10.244.0.1", "fd00:244::1");
  await world.pod("first-db", { labels: { db: "" }, node: "n2" });
  await world.address("first-db", "10.244.1.1");
  await eventually(async () => {
    assert.deepEqual(await membersOf(world, "web"), ["10.244.0.1/32", "fd00:244::1/128"]);
    assert.deepEqual(await membersOf(world, "db"), ["10.244.1.1/32"]);
    const { ruleSet } = (await endpointOf(world, "web")) ?? {};
    assert.ok(ruleSet !== undefined && (await world.get("RuleSet", ruleSet)) !== undefined);
  });
});

test("deletion waits for who uses the group, says so in status and in an event, and goes on (S-19)", async () => {
  await world.remove("SecurityGroup", "db");
  await eventually(async () => {
    const status = JSON.stringify((await world.get("SecurityGroup", "db"))?.status);
    assert.match(status, /its deletion waits for Pod default\/first-db, SecurityGroup default\/web/);
  });
  await eventually(async () => {
    const events = await eventsAbout("db");
    assert.ok(events.some(({ reason, type }) => reason === "DeletionHeld" && type === "Warning"));
  });
  await world.remove("Pod", "first-db");
  await world.group("web", { ingress: [allow(81, "web")] });
  await eventually(async () => assert.equal(await world.get("SecurityGroup", "db"), undefined));
});

test("what happens again is a series of one event, not another event", async () => {
  const policyFor = async (port: number) => world.group("twice", { ingress: [allow(port, "nowhere")] });
  const isStale = async (stale: boolean) =>
    eventually(async () => {
      const status = (await world.get("SecurityGroup", "twice"))?.status as
        | { conditions: { type: string; status: string }[] }
        | undefined;
      const resolved = status?.conditions.find(({ type }) => type === "Resolved");
      assert.equal(resolved?.status, stale ? "False" : "True");
    });
  for (let round = 0; round < 2; round += 1) {
    await policyFor(1);
    await isStale(true);
    await world.group("twice", { ingress: [allow(1, "twice")] });
    await isStale(false);
  }
  await eventually(async () => {
    const stale = (await eventsAbout("twice")).filter(({ reason }) => reason === "StaleReferences");
    assert.deepEqual(
      stale.map(({ series }) => series?.count),
      [2],
    );
  });
});

test("somebody else's change of a compiled object is put right, also what applying alone leaves", async () => {
  const [set] = await world.list("AddressSet");
  assert.ok(set);
  await world.patch(refTo("AddressSet", set.metadata.name), {
    metadata: { labels: { mine: "" } },
    spec: { prefixList: "smuggled", cidrs: ["203.0.113.0/24"] },
  });
  await eventually(async () => {
    const now = await world.get("AddressSet", set.metadata.name);
    assert.deepEqual(now?.spec, set.spec);
    assert.deepEqual(now?.metadata.labels, set.metadata.labels);
  });
});

test("metrics tell of queue, rounds, writes, watches and objects", async () => {
  for (const name of [
    "queue_wait_seconds_count",
    "reconciles_total",
    "writes_total",
    "change_to_compiled_seconds_count",
  ])
    assert.ok((await operator.metric(name)) > 0, name);
  assert.equal(await operator.metric("leading"), 1);
  assert.equal(await operator.metric("user_objects", 'kind="SecurityGroup",state="accepted"'), 2);
  assert.equal(await operator.metric("reconciles_total", 'outcome="failed"'), 0);
});

interface Told {
  readonly reason: string;
  readonly type: string;
  readonly regarding: { readonly name: string };
  readonly series?: { readonly count: number };
}

async function eventsAbout(name: string): Promise<readonly Told[]> {
  const { items } = (await world.ask("GET", "/apis/events.k8s.io/v1/namespaces/default/events")) as { items: Told[] };
  return items.filter(({ regarding }) => regarding.name === name);
}
