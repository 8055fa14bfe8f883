import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EndpointPolicy } from "../../semantics/policy.ts";
import { OperatorProgram } from "./program.ts";
import { eventually, operatorUser, refTo, World, writesIn } from "./world.ts";

const compiledGroup = "node.sallyport.dev";
const userGroup = "sallyport.dev";

let world: World;
let operator: OperatorProgram;

before(async () => {
  world = await World.start();
  operator = await OperatorProgram.start(world.operatorKubeconfig, ["--report-delay=300"]);
});

after(async () => {
  await operator.stop();
  await world.stop();
});

const allow = (port: number, ...groups: readonly string[]) => ({
  protocol: "tcp",
  ports: port,
  from: groups.map((name) => ({ securityGroup: { name } })),
});

interface Members {
  readonly kind: string;
  readonly groups: readonly string[];
  readonly cidrs: readonly string[];
}

async function endpoint(pod: string): Promise<EndpointPolicy | undefined> {
  const policies = await world.list("NodePolicy");
  return policies
    .flatMap(({ spec }) => (spec as { endpoints: readonly EndpointPolicy[] }).endpoints)
    .find((one) => one.pod.name === pod);
}

async function membersOf(group: string): Promise<readonly string[]> {
  const sets = (await world.list("AddressSet")).map(({ spec }) => spec as Members);
  return sets.filter((set) => set.groups?.includes(`default/${group}`)).flatMap(({ cidrs }) => cidrs);
}

/** The compiled objects that were written during `change`, once `settled` passes and a moment after. */
async function writesDuring(change: () => Promise<void>, settled: () => Promise<void>): Promise<readonly string[]> {
  const audit = world.auditFromNow();
  await change();
  await eventually(settled);
  await quiet();
  return writesIn(audit(), compiledGroup);
}

/** Until the operator has worked on everything that it knows of, and nothing more comes. */
async function quiet(): Promise<void> {
  let before = -1;
  let same = 0;
  await eventually(async () => {
    const rounds = (await operator.metric("reconciles_total")) + (await operator.metric("queue_depth"));
    same = rounds === before ? same + 1 : 0;
    before = rounds;
    assert.ok(same > 30);
  });
}

test("a group and a pod are compiled: rules, members and the node's policy", async () => {
  await world.group("web", { ingress: [allow(80, "web", "db")] });
  await world.group("db", { ingress: [allow(5432, "web")] });
  await world.pod("web", { labels: { web: "" } });
  await world.address("web", "10.244.0.1", "fd00:244::1");
  await world.pod("first-db", { labels: { db: "" }, node: "n2" });
  await world.address("first-db", "10.244.1.1");
  await eventually(async () => {
    assert.deepEqual(await membersOf("web"), ["10.244.0.1/32", "fd00:244::1/128"]);
    assert.deepEqual(await membersOf("db"), ["10.244.1.1/32"]);
    const { ruleSet } = (await endpoint("web")) ?? {};
    assert.ok(ruleSet !== undefined && (await world.get("RuleSet", ruleSet)) !== undefined);
  });
});

test("a pod that is created, gets its address, is relabelled and goes is written as seldom as it can be", async () => {
  await quiet();
  const created = await writesDuring(
    () => world.pod("p", { labels: { web: "" } }),
    async () => assert.notEqual(await endpoint("p"), undefined),
  );
  const addressed = await writesDuring(
    () => world.address("p", "10.244.0.9"),
    async () => assert.ok((await membersOf("web")).includes("10.244.0.9/32")),
  );
  assert.deepEqual([...created, ...addressed].map(inShort), ["patch nodepolicies", "patch addresssets"]);
  const relabelled = await writesDuring(
    () => world.relabel("p", { web: null, db: "" }),
    async () => assert.ok((await membersOf("db")).includes("10.244.0.9/32")),
  );
  assert.deepEqual(relabelled.map(inShort), ["patch addresssets", "patch addresssets", "patch nodepolicies"]);
  const gone = await writesDuring(
    () => world.remove("Pod", "p"),
    async () => assert.equal(await endpoint("p"), undefined),
  );
  assert.deepEqual(gone.map(inShort).sort(), ["patch addresssets", "patch nodepolicies"]);
});

test("a label that no selector asks for is no write", async () => {
  const writes = await writesDuring(
    () => world.relabel("web", { unrelated: "x" }),
    async () => quiet(),
  );
  assert.deepEqual(writes, []);
});

test("a rule that changes is one write for each combination of groups, and nothing else", async () => {
  await world.pod("both", { labels: { web: "", db: "" }, node: "n2" });
  await eventually(async () => assert.notEqual((await endpoint("both"))?.ruleSet, undefined));
  await quiet();
  const writes = await writesDuring(
    () => world.group("web", { ingress: [allow(81, "web", "db")] }),
    async () => {
      const rules = JSON.stringify((await world.list("RuleSet")).map(({ spec }) => spec));
      assert.equal(rules.split('"from":81').length - 1, 2 * 2);
    },
  );
  assert.deepEqual(writes.map(inShort), ["patch rulesets", "patch rulesets"]);
});

test("statuses follow the agents' reports, gathered, and unchanged ones are not written", async () => {
  const policy = await world.get("NodePolicy", "n1");
  assert.ok(policy);
  const ruleSets = (await world.list("RuleSet")).map(({ metadata, spec }) => {
    const revision = (spec as { groups: { revision: string } }).groups.revision;
    return [metadata.name, revision];
  });
  const config = (await world.get("NodeConfig", "default"))?.spec as { revision: string };
  const endpoints = (policy.spec as { endpoints: readonly EndpointPolicy[] }).endpoints;
  const status = {
    observedGeneration: policy.metadata.generation,
    config: config.revision,
    revisions: Object.fromEntries(ruleSets),
    endpoints: endpoints.map(({ pod }) => ({ uid: pod.uid, state: "Programmed" })),
  };
  await quiet();
  const audit = world.auditFromNow();
  await world.patch(refTo("NodePolicy", "n1"), { status }, "/status");
  await eventually(async () => {
    const status = (await world.get("SecurityGroup", "web"))?.status as { programmed?: number } | undefined;
    assert.equal(status?.programmed, 1);
  });
  await world.patch(refTo("NodePolicy", "n1"), { metadata: { annotations: { touched: "1" } } });
  await quiet();
  assert.deepEqual(writesIn(audit(), userGroup), ["patch securitygroups/status web"]);
});

test("deletion waits for who uses the group, says so in status and in an event, and goes on (S-19)", async () => {
  await world.remove("SecurityGroup", "db");
  await eventually(async () => {
    const status = JSON.stringify((await world.get("SecurityGroup", "db"))?.status);
    assert.match(status, /its deletion waits for Pod default\/both, Pod default\/first-db, SecurityGroup default\/web/);
  });
  await eventually(async () => {
    const events = await eventsAbout("db");
    assert.ok(events.some(({ reason, type }) => reason === "DeletionHeld" && type === "Warning"));
  });
  for (const pod of ["both", "first-db"]) await world.remove("Pod", pod);
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

test("no request of the operator was refused: it needs no right that its roles do not give", async () => {
  const own = world.plane.auditEvents().filter(({ user }) => user.username === operatorUser.name);
  assert.ok(own.length > 50);
  const refused = own.filter(({ responseStatus }) => responseStatus?.code === 403);
  assert.deepEqual(
    refused.map(({ requestURI }) => requestURI),
    [],
  );
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

/** The write without the object's name. */
function inShort(write: string): string {
  return write.split(" ").slice(0, 2).join(" ");
}
