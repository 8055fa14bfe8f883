import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { OperatorProgram } from "./program.ts";
import { eventually, operatorUser, World, writesIn } from "./world.ts";

const lease = 4000;
const flags = [
  `--leader-election-lease=${lease}`,
  "--leader-election-deadline=2500",
  "--leader-election-retry=400",
  "--report-delay=200",
];

let world: World;
let running: OperatorProgram[] = [];

before(async () => {
  world = await World.start();
  await world.group("web", { ingress: [{ protocol: "tcp", ports: 80, from: [{ securityGroup: { name: "web" } }] }] });
});

after(async () => world.stop());

afterEach(async () => {
  await Promise.all(running.map((program) => program.kill()));
  running = [];
});

async function start(): Promise<OperatorProgram> {
  const program = await OperatorProgram.start(world.operatorKubeconfig, flags);
  running.push(program);
  return program;
}

/** A leader, and another replica that waits. */
async function pair(): Promise<readonly [OperatorProgram, OperatorProgram]> {
  const first = await start();
  await eventually(() => assert.ok(first.leads));
  const second = await start();
  return [first, second];
}

let pods = 0;

/** Adds a pod, and waits until its policy is compiled. */
async function addPod(): Promise<string> {
  pods += 1;
  const name = `p${pods}`;
  await world.pod(name, { labels: { web: "" }, node: pods % 2 === 0 ? "n1" : "n2" });
  await world.address(name, `10.244.0.${pods}`);
  await eventually(async () => {
    const compiled = JSON.stringify([await world.list("NodePolicy"), await world.list("AddressSet")]);
    assert.ok(compiled.includes(`"name":"${name}"`) && compiled.includes(`"10.244.0.${pods}/32"`));
  });
  return name;
}

const heldBy = async (): Promise<string> => {
  const path = "/apis/coordination.k8s.io/v1/namespaces/sallyport-system/leases/sallyport-operator";
  return ((await world.ask("GET", path)) as { spec: { holderIdentity: string } }).spec.holderIdentity;
};

test("of two replicas one leads; it is killed, the other leads, and nothing is written twice", async () => {
  const [first, second] = await pair();
  await addPod();
  assert.ok(first.leads && !second.leads);
  const audit = world.auditFromNow();
  await first.kill();
  await eventually(() => assert.ok(second.leads));
  await sleep(1000);
  assert.deepEqual(writesIn(audit(), "node.sallyport.dev"), [], "the new leader wrote what was there already");
  await addPod();
  const writes = writesIn(audit(), "node.sallyport.dev").map((write) => write.split(" ").slice(0, 2).join(" "));
  assert.deepEqual(writes.sort(), ["patch addresssets", "patch nodepolicies"]);
});

test("a leader that stops gives the lease up, so that the other need not wait for its end", async () => {
  const [first, second] = await pair();
  await first.stop();
  assert.equal(first.exitCode, 0);
  await eventually(() => assert.ok(second.leads));
  await addPod();
});

test("a leader that was suspended writes nothing when it wakes and another leads", async () => {
  const [first, second] = await pair();
  first.suspend();
  await eventually(() => assert.ok(second.leads));
  await addPod();
  const audit = world.auditFromNow();
  first.resume();
  await eventually(() => assert.ok(!first.leads));
  await addPod();
  const own = audit().filter(({ user }) => user.username === operatorUser.name);
  const writes = writesIn(own, "node.sallyport.dev").map((write) => write.split(" ").slice(0, 2).join(" "));
  assert.deepEqual(writes.sort(), ["patch addresssets", "patch nodepolicies"]);
  assert.ok(second.leads);
});

test("a leader whose lease another takes stops at once, and takes part again", async () => {
  const first = await start();
  await eventually(() => assert.ok(first.leads));
  const path = "/apis/coordination.k8s.io/v1/namespaces/sallyport-system/leases/sallyport-operator";
  const spec = {
    holderIdentity: "somebody",
    leaseDurationSeconds: 2,
    renewTime: new Date().toISOString().replace("Z", "000Z"),
  };
  await world.ask("PATCH", path, { spec }, "application/merge-patch+json");
  await eventually(() => assert.ok(!first.leads));
  const audit = world.auditFromNow();
  await world.pod("unwritten", { labels: { web: "" } });
  await eventually(async () => assert.notEqual(await heldBy(), "somebody"));
  const whileOther = audit().findIndex(({ verb, objectRef }) => verb === "update" && objectRef?.resource === "leases");
  assert.deepEqual(writesIn(audit().slice(0, whileOther), "node.sallyport.dev"), []);
  await eventually(async () => assert.match(JSON.stringify(await world.list("NodePolicy")), /unwritten/));
});
