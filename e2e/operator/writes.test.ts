import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EndpointPolicy } from "../../semantics/policy.ts";
import { allow, endpointOf, membersOf } from "./policy.ts";
import { OperatorProgram } from "./program.ts";
import { eventually, operatorUser, refTo, World, writesIn } from "./world.ts";

const compiledGroup = "node.sallyport.dev";
const userGroup = "sallyport.dev";

let world: World;
let operator: OperatorProgram;

before(async () => {
  world = await World.start();
  // What waits must come before `quiet` takes it that nothing more comes.
  operator = await OperatorProgram.start(world.operatorKubeconfig, ["--report-delay=300", "--member-interval=300"]);
  await world.group("web", { ingress: [allow(80, "web", "db")] });
  await world.group("db", { ingress: [allow(5432, "web")] });
  await world.pod("web", { labels: { web: "" } });
  await world.address("web", "10.244.0.1", "fd00:244::1");
  await world.pod("first-db", { labels: { db: "" }, node: "n2" });
  await world.address("first-db", "10.244.1.1");
  await eventually(async () => assert.equal((await membersOf(world, "db")).length, 1));
  await quiet();
});

after(async () => {
  await operator.stop();
  await world.stop();
});

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

test("a pod that is created, gets its address, is relabelled and goes is written as seldom as it can be", async () => {
  await quiet();
  const created = await writesDuring(
    () => world.pod("p", { labels: { web: "" } }),
    async () => assert.notEqual(await endpointOf(world, "p"), undefined),
  );
  const addressed = await writesDuring(
    () => world.address("p", "10.244.0.9"),
    async () => assert.ok((await membersOf(world, "web")).includes("10.244.0.9/32")),
  );
  assert.deepEqual([...created, ...addressed].map(inShort), ["patch nodepolicies", "patch addresssets"]);
  const relabelled = await writesDuring(
    () => world.relabel("p", { web: null, db: "" }),
    async () => assert.ok((await membersOf(world, "db")).includes("10.244.0.9/32")),
  );
  // The set that it leaves may wait, the one that it comes into is the first of all.
  const [verb, resource, gaining = ""] = relabelled[0]?.split(" ") ?? [];
  assert.deepEqual([verb, resource], ["patch", "addresssets"]);
  assert.ok(JSON.stringify((await world.get("AddressSet", gaining))?.spec).includes('"10.244.0.9/32"'));
  assert.deepEqual(relabelled.map(inShort).sort(), ["patch addresssets", "patch addresssets", "patch nodepolicies"]);
  const gone = await writesDuring(
    () => world.remove("Pod", "p"),
    async () => assert.equal(await endpointOf(world, "p"), undefined),
  );
  assert.deepEqual(gone.map(inShort).sort(), ["patch addresssets", "patch nodepolicies"]);
});

test("a pod that gets its first label after its address is two writes, one that loses its last one too", async () => {
  await world.pod("late");
  await world.address("late", "10.244.0.10");
  await eventually(async () => assert.notEqual(await endpointOf(world, "late"), undefined));
  await quiet();
  const labelled = await writesDuring(
    () => world.relabel("late", { web: "" }),
    async () => assert.ok((await membersOf(world, "web")).includes("10.244.0.10/32")),
  );
  const unlabelled = await writesDuring(
    () => world.relabel("late", { web: null }),
    async () => assert.ok(!(await membersOf(world, "web")).includes("10.244.0.10/32")),
  );
  for (const writes of [labelled, unlabelled])
    assert.deepEqual(writes.map(inShort).sort(), ["patch addresssets", "patch nodepolicies"]);
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
  await eventually(async () => assert.notEqual((await endpointOf(world, "both"))?.ruleSet, undefined));
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

test("no request of the operator was refused: it needs no right that its roles do not give", async () => {
  const own = world.plane.auditEvents().filter(({ user }) => user.username === operatorUser.name);
  assert.ok(own.length > 50);
  const refused = own.filter(({ responseStatus }) => responseStatus?.code === 403);
  assert.deepEqual(
    refused.map(({ requestURI }) => requestURI),
    [],
  );
});

/** The write without the object's name. */
function inShort(write: string): string {
  return write.split(" ").slice(0, 2).join(" ");
}
