import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { tcpFlags } from "../../../semantics/packet.ts";
import { address } from "../../../semantics/test/rules.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import { UnknownEndpointError } from "../agent.ts";
import { addPair, deletePair, ipAll } from "./test/links.ts";
import { frameLength, type Pod, TestNode, web } from "./test/node.ts";

enterSandbox();
const ifindexes = [100, 101, 102, 103];
let node: TestNode;

/** One load of the programs for all tests, since the verifier takes its time. */
before(() => {
  node = new TestNode("life", { attach: true });
  ipAll(ifindexes.map(addPair));
});
after(() => node.close());
beforeEach(() => node.program([]));

function podAt(uid: string, ifindex: number, ...texts: readonly string[]): Pod {
  return { uid, ifindex, addresses: texts.map(address), rules: web };
}

/** Takes the pair away and makes another with the same number, as a pod that comes right after another may get it. */
function replaceInterfaces(indexes: readonly number[]): void {
  ipAll([...indexes.map(deletePair), ...indexes.map(addPair)]);
}

const first = podAt("first", 100, "10.1.0.1");
/** What the pod may send by an entry alone. */
const reply = { direction: "egress", flags: tcpFlags.SYN | tcpFlags.ACK } as const;

test("an endpoint that is created is attached both ways and judged by its rules", async () => {
  assert.ok(node.isDetached(100));
  assert.deepEqual(await node.program([first]), [{ uid: "first", state: "Programmed" }]);
  assert.ok(node.isAttached(100));
  assert.equal(await node.send(first), "rule tracked");
  assert.equal(await node.send(first, reply), "connection tracked");
});

test("an endpoint that is deleted is detached, and its interface that is still there is filtered no more", async () => {
  await node.program([first]);
  await node.send(first);
  await node.program([]);
  assert.ok(node.isDetached(100));
  assert.equal(node.entries(), 0);
  await assert.rejects(node.agent.metrics("first"), UnknownEndpointError);
});

test("an address that is added is the pod's from then on, and cuts none of the others' connections", async () => {
  const wider = podAt("first", 100, "10.1.0.1", "10.1.0.2");
  const added = { local: address("10.1.0.2") };
  await node.program([first]);
  await node.send(first);
  assert.equal(await node.send(wider, added), "spoofed none");
  await node.program([wider]);
  assert.equal(await node.send(wider, added), "rule tracked");
  assert.equal(await node.send(wider), "connection tracked");
});

test("an address that is removed takes its entries along, and those of the others stay", async () => {
  const both = podAt("first", 100, "10.1.0.1", "10.1.0.2");
  const removed = { local: address("10.1.0.2") };
  await node.program([both]);
  await node.send(both);
  await node.send(both, removed);
  assert.equal((await node.agent.metrics("first")).conntrack_used, 2);
  await node.program([first]);
  assert.deepEqual(
    (await node.agent.connections("first")).map(({ local }) => local),
    ["10.1.0.1"],
  );
  assert.equal((await node.agent.metrics("first")).conntrack_used, 1);
  assert.equal(node.entries(), 1);
  assert.equal(await node.send(first, removed), "spoofed none");
  assert.equal(await node.send(first), "connection tracked");
  await node.program([both]);
  assert.equal(await node.send(both, { ...removed, ...reply }), "no-rule none", "it comes back empty");
});

/** What a pod may leave behind: an entry, a fragment's record, counters, empty buckets. */
async function leaveTraces(pod: Pod): Promise<void> {
  const flags = tcpFlags.ACK;
  assert.equal(await node.send(pod), "rule tracked");
  assert.equal(await node.send(pod, { flags, fragment: { id: 7, at: "first" } }), "connection tracked");
  assert.equal(await node.send(pod, { fragment: { id: 7, at: "later" } }), "connection tracked");
  assert.equal(await node.send(pod), "packet-allowance none");
}

/** That a pod begins with nothing: the state that `leaveTraces` made is not its own. */
async function assertFresh(pod: Pod): Promise<void> {
  const { conntrack_used, pps_allowance_exceeded, packets } = await node.agent.metrics(pod.uid);
  assert.deepEqual(
    { conntrack_used, pps_allowance_exceeded, packets },
    {
      ...{ conntrack_used: 0, pps_allowance_exceeded: 0, packets: { ingress: {}, egress: {} } },
    },
  );
  assert.deepEqual(await node.agent.connections(pod.uid), []);
  assert.equal(await node.send(pod, reply), "no-rule none");
  assert.equal(await node.send(pod, { fragment: { id: 7, at: "later" } }), "fragment none");
  assert.equal(await node.send(pod), "rule tracked", "the third packet, which a former pod's bucket had no room for");
}

const rates = { packets: { perSecond: 4, burst: 3 } };

test("a pod that gets a gone one's interface number and address in the same change inherits nothing", async () => {
  const former = { ...first, allowances: rates };
  await node.program([former]);
  await leaveTraces(former);
  replaceInterfaces([100]);
  const next = { ...former, uid: "next" };
  assert.deepEqual(await node.program([next]), [{ uid: "next", state: "Programmed" }]);
  assert.ok(node.isAttached(100));
  assert.equal(node.entries(), 0);
  await assertFresh(next);
  await assert.rejects(node.agent.metrics("first"), UnknownEndpointError);
});

test("a pod that gets a gone one's address on another interface inherits nothing", async () => {
  const former = { ...first, allowances: rates };
  await node.program([former]);
  await leaveTraces(former);
  const next = { ...former, uid: "next", ifindex: 101 };
  await node.program([next]);
  assert.ok(node.isDetached(100));
  await assertFresh(next);
});

test("a pod that gets a new interface and keeps its address begins anew: the entries were of the old sandbox", async () => {
  const former = { ...first, allowances: rates };
  await node.program([former]);
  await leaveTraces(former);
  const moved = { ...former, ifindex: 101 };
  await node.program([moved]);
  await assertFresh(moved);
});

test("two pods that exchange their addresses exchange no entries", async () => {
  const [one, two] = [podAt("one", 100, "10.1.0.1"), podAt("two", 101, "10.1.0.2")];
  await node.program([one, two]);
  await node.send(one);
  await node.send(two);
  const exchanged = [podAt("one", 100, "10.1.0.2"), podAt("two", 101, "10.1.0.1")];
  await node.program(exchanged);
  assert.equal(node.entries(), 0);
  for (const pod of exchanged) {
    assert.equal(await node.send(pod, reply), "no-rule none");
    assert.equal((await node.agent.metrics(pod.uid)).conntrack_used, 0);
  }
});

test("four neighbouring interface numbers that change hands at once each go to their new pod, with nothing in them", async () => {
  const pods = (name: string) =>
    ifindexes.map((ifindex, i) => ({ ...podAt(`${name}-${i}`, ifindex, `10.1.0.${i + 1}`), allowances: rates }));
  const formers = pods("former");
  await node.program(formers);
  for (const pod of formers) await leaveTraces(pod);
  replaceInterfaces(ifindexes);
  const nexts = pods("next");
  assert.ok((await node.program(nexts)).every(({ state }) => state === "Programmed"));
  for (const pod of nexts) {
    assert.ok(node.isAttached(pod.ifindex));
    await assertFresh(pod);
  }
});

test("interface numbers that fall on the same slot are told apart, also when one between them goes", async () => {
  const crowd = [116, 132, 148];
  ipAll(crowd.map(addPair));
  const pods = [100, ...crowd].map((ifindex, i) => podAt(`crowd-${i}`, ifindex, `10.1.0.${i + 1}`));
  await node.program(pods);
  const rest = pods.filter(({ uid }) => uid !== "crowd-1");
  for (const pod of pods) assert.equal(await node.send(pod), "rule tracked");
  await node.program(rest);
  for (const pod of rest) assert.equal(await node.send(pod), "connection tracked");
  ipAll(crowd.map(deletePair));
});

test("S-74: a pod in a gone one's place has full buckets of its own, and its own counter", async () => {
  const bandwidthIn = { perSecond: frameLength(first) * 8, burst: frameLength(first) * 3 };
  const former = { ...first, allowances: { bandwidthIn } };
  await node.program([former]);
  assert.equal(node.passing(former, 5), 3);
  replaceInterfaces([100]);
  const next = { ...former, uid: "next" };
  await node.program([next]);
  assert.equal(node.passing(next, 5), 3);
  assert.equal((await node.agent.metrics("next")).bw_in_allowance_exceeded, 2);
});
