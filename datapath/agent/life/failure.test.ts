import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { address } from "../../../semantics/test/rules.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import { addPair, deletePair, ipAll } from "./test/links.ts";
import { type Pod, TestNode, web } from "./test/node.ts";

enterSandbox();
const node = new TestNode("failure", { attach: true });
after(() => node.close());
beforeEach(() => node.program([]));
ipAll([100, 101].map(addPair));

const pods: readonly Pod[] = [100, 101, 102].map((ifindex, i) => ({
  uid: `pod-${i}`,
  ifindex,
  addresses: [address(`10.1.0.${i + 1}`)],
  rules: web,
}));
const [one, two, late] = pods as readonly [Pod, Pod, Pod];
/** How long what comes by itself is waited for, in milliseconds: far longer than it takes. */
const patience = 60_000;

async function eventually(met: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + patience; !(await met()); await pause(50)) {
    assert.ok(performance.now() < end, "it never came");
  }
}

async function stateOfPod(uid: string): Promise<string | undefined> {
  return (await node.agent.statuses()).find((status) => status.uid === uid)?.state;
}

test("S-75: an endpoint whose interface is not there is closed and says why, and the others are programmed", async () => {
  const statuses = await node.program(pods);
  assert.deepEqual(
    statuses.map(({ state }) => state),
    ["Programmed", "Programmed", "NotProgrammed"],
  );
  assert.equal(statuses[2]?.retried, true);
  assert.match(statuses[2]?.message ?? "", /attach from_pod at tcx ingress of interface 102/);
  assert.deepEqual(await node.agent.statuses(), statuses);
  assert.equal(await node.send(one), "rule tracked");
  assert.equal(await node.send(two), "rule tracked");
});

test("a failed step is tried again until it succeeds, and leaves what works alone meanwhile", async () => {
  await node.program(pods);
  await node.send(one);
  ipAll([addPair(102)]);
  await eventually(async () => (await stateOfPod(late.uid)) === "Programmed");
  assert.ok(node.isAttached(102));
  assert.equal(await node.send(late), "rule tracked");
  assert.equal(await node.send(one), "connection tracked");
  ipAll([deletePair(102)]);
});

test("what is told anew ends the tries of what was told before", async () => {
  await node.program(pods);
  await node.program([one]);
  ipAll([addPair(102)]);
  // Longer than the pause before the first try.
  await pause(300);
  assert.ok(node.isDetached(102));
  assert.deepEqual(await node.agent.statuses(), [{ uid: one.uid, state: "Programmed" }]);
  ipAll([deletePair(102)]);
});

test("an endpoint whose programs can't be attached passes nothing, also where a former agent's still are", async () => {
  await node.program([one]);
  const closed = { ...one, uid: "closed", ifindex: 102 };
  const [, status] = await node.program([two, closed]);
  assert.equal(status?.state, "NotProgrammed");
  const { datapath } = node;
  const slot = [...datapath.endpoints.used()].find((index) => datapath.endpoints.at(index).u32("ifindex") === 102);
  assert.ok(slot !== undefined);
  assert.equal(datapath.endpoints.at(slot).u64("policy") & 0xffff_ffff_ffffn, 0n);
});

/** More rows than the node has: each prefix of a distinct set of rules is one. */
const tooMany = Array.from({ length: 1500 }, (_, i) => `in tcp ${i + 1} from 10.${i >> 8}.${i & 255}.0/24`);

test("a policy that does not fit closes its own endpoints alone, and fits when there is less of it", async () => {
  const big = { ...two, rules: tooMany };
  const statuses = await node.program([one, big]);
  assert.equal(statuses[0]?.state, "Programmed");
  assert.equal(statuses[1]?.state, "NotProgrammed");
  assert.ok((statuses[1]?.message ?? "").length > 0);
  assert.equal(await node.send(one), "rule tracked");
  assert.equal(await node.send(two), "not-programmed none");
  assert.ok((await node.program([one, two])).every(({ state }) => state === "Programmed"));
  assert.equal(await node.send(two), "rule tracked");
  assert.equal(await node.send(one), "connection tracked");
});

test("S-54: an endpoint that is closed for a while drops everything, and keeps its connections for after", async () => {
  await node.program([one, two]);
  await node.send(two);
  await node.program([one, { ...two, rules: tooMany }]);
  assert.equal(await node.send(two), "not-programmed none");
  await node.program([one, two]);
  assert.equal(await node.send(two), "connection tracked");
});
