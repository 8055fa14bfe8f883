import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { address } from "../../../semantics/test/rules.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import { constants } from "../abi.generated.ts";
import { makeStruct, StructView, u32Bytes } from "../bytes.ts";
import { ticksOf } from "../clock.ts";
import { type Pod, TestNode, web } from "./test/node.ts";

/*
 * The two halves of a sweep by themselves, with something in between that two CPUs would have to hit upon: what the
 * walk reported is judged anew, claimed by compare-and-swap, deleted, and only then given back (lesson 5).
 */

enterSandbox();
const node = new TestNode("collecting");
after(() => node.close());

/** Test runs ask for no more of an interface than its number, and the loopback's is there. */
const pod: Pod = { uid: "pod", ifindex: 1, addresses: [address("10.1.0.1")], rules: web };
const connections = node.datapath.map("connections");

beforeEach(async () => {
  await node.program([]);
  await node.program([pod]);
});

/** What the walk reports as dead. */
function findDead(): Uint8Array[] {
  const { bpf } = node.datapath;
  const bytes = Buffer.concat([...bpf.iterate(node.datapath.program("find_dead"), connections, 4096)]);
  return Array.from({ length: bytes.length / connections.keySize }, (_, i) =>
    Uint8Array.from(bytes.subarray(i * connections.keySize, (i + 1) * connections.keySize)),
  );
}

/** Collects what a walk reported, whatever became of it since; returns how many entries went. */
function collect(keys: readonly Uint8Array[]): number {
  const sweepKeys = node.datapath.map("sweep_keys");
  for (const [index, key] of keys.entries()) sweepKeys.update(u32Bytes(index), key);
  const args = makeStruct("collect_args");
  args.setU32("count", keys.length);
  assert.equal(node.datapath.program("collect").run(args.bytes), 0);
  return args.u32("removed");
}

/** Lets an entry of a handshake expire, without a sweep. */
function expire(): void {
  node.datapath.advance(ticksOf(node.datapath.clock, 30));
}

const used = async (): Promise<number> => (await node.agent.metrics(pod.uid)).conntrack_used;

test("a flow that came alive again after the walk reported it is kept, and its place with it", async () => {
  await node.send(pod);
  expire();
  const reported = findDead();
  assert.equal(reported.length, 1);
  assert.equal(await node.send(pod), "rule tracked");
  assert.equal(collect(reported), 0);
  assert.deepEqual([node.entries(), await used()], [1, 1]);
  assert.equal(await node.send(pod), "connection tracked");
});

test("an entry that is reported twice goes once, and gives back one place", async () => {
  await node.send(pod, { port: 1 });
  await node.send(pod, { port: 2 });
  expire();
  const [first] = findDead();
  assert.ok(first !== undefined);
  assert.equal(collect([first, first]), 1);
  assert.deepEqual([node.entries(), await used()], [1, 1]);
  assert.equal(collect([first]), 0);
  assert.deepEqual([node.entries(), await used()], [1, 1]);
});

test("an entry that somebody claimed is that one's to delete and to give back: nobody else reports or collects it", async () => {
  await node.send(pod);
  const [entry] = connections.entries();
  assert.ok(entry !== undefined);
  const [key, value] = entry;
  const word = new StructView("connection", value.buffer, value.byteOffset);
  const state = 0xffn << 32n;
  word.setU64("word", (word.u64("word") & ~state) | (BigInt(constants.STATE_CLAIMED) << 32n));
  connections.update(key, value, "replace");
  expire();
  assert.deepEqual(findDead(), []);
  assert.equal(collect([key]), 0);
  assert.deepEqual([node.entries(), await used()], [1, 1]);
});
