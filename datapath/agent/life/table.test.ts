import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { tcpFlags } from "../../../semantics/packet.ts";
import { address } from "../../../semantics/test/rules.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import { constants } from "../abi.generated.ts";
import { StructView } from "../bytes.ts";
import { ticksOf } from "../clock.ts";
import { tcpFrame } from "../test/frames.ts";
import { type Pod, TestNode, uplink, web } from "./test/node.ts";
import type { Race } from "./test/racer.ts";

enterSandbox();
const loopback = 1;
const podAddress = address("10.1.0.1");
const racer = fileURLToPath(new URL("./test/racer.ts", import.meta.url));

const podOf = (conntrackMax: number): Pod => {
  return { uid: "pod", ifindex: loopback, addresses: [podAddress], rules: web, allowances: { conntrackMax } };
};

/** A SYN to the pod for each of so many flows. */
function syns(flows: number): Uint8Array[] {
  return Array.from({ length: flows }, (_, flow) => {
    const source = address(`10.2.${(flow >> 8) & 255}.${flow & 255}`);
    const sourcePort = 1024 + (flow >> 16);
    return tcpFrame({ source, destination: podAddress, sourcePort, port: 80, flags: tcpFlags.SYN });
  });
}

function put(node: TestNode, frames: readonly Uint8Array[]): void {
  for (const data of frames) node.datapath.toPod.testRun({ data, ifindex: loopback, ingressIfindex: uplink });
}

async function used(node: TestNode): Promise<number> {
  return (await node.agent.metrics("pod")).conntrack_used;
}

/** What is in the table by its own count. */
function counted(node: TestNode): number {
  return new StructView("connection_count", node.datapath.map("connection_count").mmap()).u32("used");
}

/** Buckets that are not as those of a table in which nothing ever was: a slot taken, or an entry counted as passing. */
function traces(node: TestNode): number {
  const buckets = [...node.datapath.map("connections").entries()].map(
    ([, bytes]) => new StructView("connection_bucket", bytes.buffer, bytes.byteOffset),
  );
  const slots = Array.from({ length: constants.BUCKET_SLOTS }, (_, slot) => slot);
  return buckets.filter((bucket) => bucket.u32("passed") !== 0 || slots.some((slot) => bucket.u64("word", slot) !== 0n))
    .length;
}

/** The one bucket of a table with one entry in its first slot, and the bytes of the whole. */
function soleBucket(node: TestNode) {
  const taken = [...node.datapath.map("connections").entries()]
    .map(([index, bytes]) => ({
      index,
      bytes,
      view: new StructView("connection_bucket", bytes.buffer, bytes.byteOffset),
    }))
    .filter(({ view }) => view.u64("word") !== 0n);
  const [bucket] = taken;
  assert.ok(bucket !== undefined && taken.length === 1);
  return bucket;
}

const flowsOf = (node: TestNode): readonly string[] =>
  [...node.datapath.connections()].map((row) => Buffer.from(row.window("key", 28)).toString("hex"));

for (const size of [1, 5, 100, 5000]) {
  test(`S-72: a table of ${size} takes exactly so many, finds each, and is as new when all have gone`, async () => {
    const node = new TestNode(`size-${size}`, { tableSize: size });
    await node.program([podOf(2 * size + 2)]);
    for (let turn = 0; turn < 3; turn++) {
      put(node, syns(2 * size));
      assert.deepEqual([await used(node), counted(node), new Set(flowsOf(node)).size], [size, size, size]);
      // Those that are there pass by their entries, and the others make none still.
      put(node, syns(2 * size));
      const { packets, conntrack_table_full } = await node.agent.metrics("pod");
      assert.deepEqual(
        [packets.ingress.rule, packets.ingress.connection, conntrack_table_full],
        [size * (turn + 1), size * (turn + 1), 2 * size * (turn + 1)],
      );
      await node.agent.advance(31);
      assert.deepEqual([await used(node), counted(node), traces(node)], [0, 0, 0]);
    }
    node.close();
  });
}

test("S-71: CPUs that make the same entries at the same time make each once, also in a table that is nearly full", async () => {
  const flows = 8000;
  const racers = 2;
  const node = new TestNode("raced", { tableSize: 2 * flows });
  await node.program([podOf(2 * flows)]);
  for (let turn = 0; turn < 5; turn++) {
    const race: Race = {
      ...{ fd: node.datapath.toPod.fd, frames: syns(flows), ifindex: loopback, racers },
      arrivals: new SharedArrayBuffer(4),
    };
    const threads = Array.from({ length: racers }, () => new Worker(racer, { workerData: race }));
    await Promise.all(threads.map((thread) => once(thread, "exit")));
    const made = flowsOf(node);
    assert.deepEqual([made.length, new Set(made).size], [flows, flows]);
    assert.deepEqual([await used(node), counted(node)], [flows, flows]);
    const { packets } = await node.agent.metrics("pod");
    assert.deepEqual(
      [packets.ingress.rule, packets.ingress.connection],
      [flows * (turn + 1), flows * (racers - 1) * (turn + 1)],
    );
    await node.agent.advance(31);
    assert.deepEqual([await used(node), counted(node), traces(node)], [0, 0, 0]);
  }
  node.close();
});

test("conventions 5: an entry that somebody claimed is that one's to delete and to give back, whoever else comes", async () => {
  const node = new TestNode("claimed");
  await node.program([podOf(10)]);
  put(node, syns(1));
  const { index, bytes, view } = soleBucket(node);
  const word = view.u64("word");
  const state = 0xffn << 32n;
  const claimed = (word & ~state) | (BigInt(constants.STATE_CLAIMED) << 32n);
  view.setU64("word", claimed);
  node.datapath.map("connections").update(index, bytes);
  await node.agent.advance(31);
  assert.deepEqual([await node.agent.sweep(), flowsOf(node).length, await used(node)], [0, 0, 1]);
  assert.equal(soleBucket(node).view.u64("word"), claimed);
  // The flow begins anew beside it, in a slot of its own.
  put(node, syns(1));
  assert.deepEqual([flowsOf(node).length, await used(node), counted(node)], [1, 2, 2]);
  assert.equal(soleBucket(node).view.u64("word"), claimed);
  node.close();
});

test("S-71: a flow that begins anew where its dead entry was is kept by the sweep, and its place with it", async () => {
  const node = new TestNode("alive");
  await node.program([podOf(10)]);
  put(node, syns(1));
  const former = soleBucket(node).view.u64("word");
  node.datapath.advance(ticksOf(node.datapath.clock, 31));
  put(node, syns(1));
  assert.notEqual(soleBucket(node).view.u64("word"), former);
  assert.deepEqual([await node.agent.sweep(), await used(node), counted(node)], [0, 1, 1]);
  node.close();
});
