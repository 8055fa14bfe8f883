import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { CompiledState, GroupKey, NodeFacts } from "../../../semantics/policy.ts";
import { address, cidr } from "../../../semantics/test/rules.ts";
import type { BpfMap } from "../../loader/ports.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import type { EndpointStatus } from "../control.ts";
import { addPair, ipAll } from "./test/links.ts";
import { client, type Pod, stateOf, TestNode, web } from "./test/node.ts";

enterSandbox();
const node = new TestNode("full-map");
after(() => node.close());
beforeEach(() => tell([]));

ipAll([100, 101].map(addPair));
const pod: Pod = { uid: "pod", ifindex: 100, addresses: [address("10.1.0.1")], rules: web };
const byGroup: Pod = { ...pod, rules: ["in tcp 443 from sg:a/b"] };
const neighbour: Pod = { uid: "neighbour", ifindex: 101, addresses: [address("10.1.0.2")], rules: web };

function tell(pods: readonly Pod[], facts: NodeFacts = { nodeAddresses: [] }): Promise<readonly EndpointStatus[]> {
  const members = { kind: "members", name: "m", groups: ["a/b" as GroupKey], cidrs: [cidr(`${client}/32`)] } as const;
  const state: CompiledState = { ...stateOf(pods), addressSets: [members] };
  const attachments = pods.map(({ uid, ifindex, addresses }) => ({ uid, ifindex, addresses, adopt: false }));
  return node.agent.program(state, facts, attachments);
}

/** Puts keys of nobody into a hash map until it holds all it can. Returns what takes them out again. */
function fill(map: BpfMap): () => void {
  const value = new Uint8Array(map.valueSize);
  const keys = Array.from({ length: map.maxEntries - [...map.entries()].length }, (_, number) => {
    const key = new Uint8Array(map.keySize).fill(0xff);
    new DataView(key.buffer).setUint32(0, number);
    return key;
  });
  map.updateMany(keys.map((key) => [key, value] as const));
  return () => {
    map.deleteMany(keys);
  };
}

async function eventuallyProgrammed(uid: string): Promise<void> {
  for (const end = performance.now() + 60_000; ; await pause(20)) {
    const status = (await node.agent.statuses()).find((one) => one.uid === uid);
    if (status?.state === "Programmed") return;
    assert.ok(performance.now() < end, `it never came: ${status?.message}`);
  }
}

test("lesson 14: a policy that a full map keeps out closes its endpoint alone, and is in force once there is room", async () => {
  await tell([pod, neighbour]);
  assert.equal(await node.send(pod), "rule tracked");
  const identityRows = node.datapath.map("identity_rows");
  const before = [...identityRows.entries()].length;
  const makeRoom = fill(identityRows);

  const statuses = await tell([byGroup, neighbour]);
  const [status] = statuses;
  assert.equal(status?.state, "NotProgrammed");
  assert.equal(status?.retried, true);
  assert.match(status?.message ?? "", /update map identity_rows: E2BIG/);
  assert.equal(statuses[1]?.state, "Programmed");
  for (const port of [80, 443]) assert.equal(await node.send(pod, { port }), "not-programmed none");
  assert.equal(await node.send(neighbour, { port: 1 }), "rule tracked");

  makeRoom();
  await eventuallyProgrammed(pod.uid);
  assert.equal(await node.send(pod, { port: 443 }), "rule tracked");
  assert.equal(await node.send(pod, { port: 81 }), "no-rule none");
  assert.equal(await node.send(pod, { port: 80 }), "connection tracked");
  assert.equal([...identityRows.entries()].length, before + 1);
});

test("lesson 14: where the step fails as a whole, endpoints keep their last policy until a try succeeds", async () => {
  await tell([pod, neighbour]);
  const makeRoom = fill(node.datapath.map("roles"));
  const changed = [byGroup, neighbour];
  const moved = { nodeAddresses: [address("192.168.7.7")] };
  await assert.rejects(tell(changed, moved), { code: "E2BIG" });

  const statuses = await node.agent.statuses();
  assert.deepEqual(
    statuses.map(({ uid, state, retried }) => [uid, state, retried]),
    changed.map(({ uid }) => [uid, "NotProgrammed", true]),
  );
  assert.match(statuses[0]?.message ?? "", /update map roles: E2BIG/);
  assert.equal(await node.send(pod, { port: 82 }), "rule tracked");

  makeRoom();
  await eventuallyProgrammed(pod.uid);
  assert.equal(await node.send(pod, { port: 83 }), "no-rule none");
  assert.equal(await node.send(pod, { port: 443 }), "rule tracked");
});
