import assert from "node:assert/strict";
import { after, test } from "node:test";
import { address } from "../../../semantics/test/rules.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import { addPair, ipAll } from "./test/links.ts";
import { type Pod, TestNode, web } from "./test/node.ts";

enterSandbox();
const node = new TestNode("crowd", { attach: true, endpointSlots: 1024 });
after(() => node.close());

/** Pods of a full node, and rule sets that they share. */
const count = 250;
const ruleSets = Array.from({ length: 10 }, (_, i) => [...web, `in udp ${i + 1} from 10.0.0.0/8`]);

function crowd(generation: string): Pod[] {
  return Array.from({ length: count }, (_, i) => ({
    uid: `${generation}-${i}`,
    ifindex: 1000 + i,
    addresses: [address(`10.1.0.${i + 1}`), address(`2001:db8:1::${(i + 1).toString(16)}`)],
    rules: ruleSets[i % ruleSets.length] ?? web,
  }));
}

async function assertAllEnforced(pods: readonly Pod[]): Promise<void> {
  for (const pod of pods) {
    assert.ok(node.isAttached(pod.ifindex), `interface ${pod.ifindex} is not attached both ways`);
    assert.equal(await node.send(pod), "rule tracked", pod.uid);
    assert.equal(await node.send(pod, { remote: address("192.0.2.1") }), "no-rule none", pod.uid);
    assert.equal((await node.agent.metrics(pod.uid)).conntrack_used, 1, pod.uid);
  }
}

test("250 endpoints with ten rule sets are programmed and attached by one change", async () => {
  const pods = crowd("first");
  ipAll(pods.map(({ ifindex }) => addPair(ifindex)));
  const statuses = await node.program(pods);
  assert.deepEqual(
    statuses.filter(({ state }) => state !== "Programmed"),
    [],
  );
  assert.equal(statuses.length, count);
  await assertAllEnforced(pods);
  assert.equal(node.entries(), count);
});

test("250 endpoints whose pods are all other ones at once, on the same interfaces and addresses, begin with nothing", async () => {
  const pods = crowd("second");
  assert.ok((await node.program(pods)).every(({ state }) => state === "Programmed"));
  assert.equal(node.entries(), 0);
  await assertAllEnforced(pods);
});

test("250 endpoints that go at once leave nothing attached and no entry", async () => {
  await node.program([]);
  assert.ok(crowd("second").every(({ ifindex }) => node.isDetached(ifindex)));
  assert.equal(node.entries(), 0);
});
