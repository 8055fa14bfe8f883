import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarioOf } from "./test/scenario.ts";
import { World } from "./world.ts";

const group = (name: string, spec: object, metadata: object = {}): object => ({
  apiVersion: "sallyport.dev/v1alpha1",
  kind: "SecurityGroup",
  metadata: { name, ...metadata },
  spec,
});

const web = { podSelector: { matchLabels: { app: "web" } } };

async function worldOf(...spec: readonly string[]): Promise<World> {
  const scenario = await scenarioOf(...spec);
  const world = new World(scenario);
  for (const host of scenario.hosts) world.addHost(host);
  for (const pod of scenario.pods) await world.addPod(pod);
  return world;
}

test("pods and hosts that name no addresses get some that nothing else has", async () => {
  const world = await worldOf(
    "pods: [ { name: a }, { name: b, addresses: [10.244.0.10] }, { name: c } ]",
    "hosts: [ { name: h }, { name: i, addresses: ['2001:db8::a'] } ]",
  );
  const all = [...world.pods(), ...world.hosts()].flatMap(({ addresses }) => addresses);
  assert.equal(new Set(all).size, all.length);
  assert.deepEqual(
    world.find("a").addresses.map((address) => address.includes(":")),
    [false, true],
  );
});

test("the state of the node is what the operator makes of the objects", async () => {
  const world = await worldOf("config: { conntrackMax: 7 }", "pods: [ { name: web, labels: { app: web } } ]");
  await world.applySources([group("web", web)]);
  const { node, ruleSets } = await world.compile();
  assert.deepEqual(
    ruleSets.map(({ groups }) => groups),
    [["default/web"]],
  );
  assert.deepEqual(
    node.endpoints.map(({ ruleSet, allowances }) => [ruleSet, allowances.conntrackMax]),
    [[ruleSets[0]?.name, 7]],
  );
});

test("a manifest that was read back from a cluster can be applied", async () => {
  const world = await worldOf("pods: []");
  await world.applySources([group("web", web, { uid: "x", resourceVersion: "9", finalizers: ["a/b"], generation: 3 })]);
  await world.applySources([group("web", {}, { uid: "y", resourceVersion: "1" })]);
});

test("a pod that runs can be relabelled, one that does not cannot be made by a manifest", async () => {
  const world = await worldOf("pods: [ { name: web } ]");
  await world.applySources([group("web", web)]);
  const pod = (name: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: "web" } } });
  assert.equal((await world.compile()).node.endpoints[0]?.ruleSet, undefined);
  await world.applySources([pod("web")]);
  assert.notEqual((await world.compile()).node.endpoints[0]?.ruleSet, undefined);
  await assert.rejects(world.applySources([pod("other")]), /Pod default\/other does not run; start it with a pod step/);
});

test("a delete that is held returns at once, and the group stays in force until its pod is gone (S-19)", async () => {
  const world = await worldOf("pods: [ { name: web, labels: { app: web } } ]");
  await world.applySources([group("web", web)]);
  await world.compile();
  await world.delete({ kind: "SecurityGroup", name: "web" });
  assert.equal((await world.compile()).ruleSets.length, 1);
  await world.removePod("web");
  const state = await world.compile();
  assert.deepEqual([state.ruleSets, state.node.endpoints], [[], []]);
  await assert.rejects(
    world.delete({ kind: "SecurityGroup", name: "web" }),
    /SecurityGroup default\/web does not exist/,
  );
});

test("a pod that was seen without a group is adopted when it gets one (S-40a)", async () => {
  const world = await worldOf("pods: [ { name: web, labels: { app: web } } ]");
  const adopted = () => world.endpoints().map(({ adopt }) => adopt);
  await world.compile();
  await world.applySources([group("web", web)]);
  await world.compile();
  assert.deepEqual(adopted(), [true]);
});

test("a pod that had its group from the start, or was closed, is not adopted (S-40a, S-75)", async () => {
  const world = await worldOf(
    "config: { defaultGroup: default/none }",
    "pods: [ { name: web, labels: { app: web } }, { name: x } ]",
  );
  await world.applySources([group("web", web)]);
  const { node } = await world.compile();
  assert.equal(node.endpoints.filter(({ closed }) => closed !== undefined).length, 1);
  assert.deepEqual(
    world.endpoints().map(({ adopt }) => adopt),
    [false, false],
  );
});

test("a name is a machine's, whole or bare; an address stands for itself", async () => {
  const world = await worldOf(
    "pods: [ { name: a, namespace: other, addresses: [10.244.0.1] } ]",
    "hosts: [ { name: h, addresses: [203.0.113.1] } ]",
  );
  assert.equal(world.find("other/a"), world.find("a"));
  assert.equal(world.find("node").kind, "node");
  assert.deepEqual(world.addressesOf("h"), ["203.0.113.1"]);
  assert.deepEqual(world.addressesOf("198.51.100.1"), ["198.51.100.1"]);
  assert.throws(() => world.find("b"), /no pod or host is called b/);
});
