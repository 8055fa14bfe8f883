import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { constants, structs } from "../agent/abi.generated.ts";
import { makeStruct, StructView, u32Bytes } from "../agent/bytes.ts";
import { openBpf } from "../loader/open.ts";
import { enterSandbox, sandboxBpffs } from "../loader/test/sandbox.ts";

enterSandbox();
const buckets = 16;
const slots = buckets * constants.BUCKET_SLOTS;
const endpointId = 0x0001_0002;
const pinRoot = join(sandboxBpffs, "table");
mkdirSync(pinRoot);
const object = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));
// More entries than there are slots: an agent makes no such table, so that its ways never end without room.
const loaded = openBpf().load({
  object,
  pinRoot,
  constants: { connection_buckets: buckets, table_size: 1000 },
  mapSizes: { connections: buckets, endpoints: 16 },
});
after(() => loaded.close());

function required<T>(things: ReadonlyMap<string, T>, name: string): T {
  const thing = things.get(name);
  assert.ok(thing, name);
  return thing;
}

const endpoint = new StructView(
  "endpoint",
  required(loaded.maps, "endpoints").mmap(),
  (endpointId & 0xffff) * structs.endpoint.size,
);
endpoint.setU32("id", endpointId);

function adopt(flow: number): boolean {
  const key = makeStruct("connection_key");
  key.setU32("endpoint", endpointId);
  key.setU16("remote_port", flow);
  const args = makeStruct("adopt_args");
  args.window("key", structs.connection_key.size).set(key.bytes);
  args.setU64("word", BigInt(constants.STATE_ESTABLISHED) << 32n);
  assert.equal(required(loaded.programs, "adopt_connection").run(args.bytes), 0);
  return args.u32("adopted") === 1;
}

function bucketAt(index: number): StructView<"connection_bucket"> {
  const bytes = required(loaded.maps, "connections").lookup(u32Bytes(index));
  assert.ok(bytes);
  return new StructView("connection_bucket", bytes.buffer, bytes.byteOffset);
}

test("S-72: an entry whose way has no room is refused, and leaves no trace", () => {
  const adopted = Array.from({ length: 3 * slots }, (_, flow) => adopt(flow));
  const entries = adopted.filter((done) => done).length;
  assert.ok(entries > 0.9 * slots && entries <= slots, `${entries} of ${slots} slots are used`);
  assert.equal(endpoint.u32("used"), entries);
  assert.deepEqual(
    adopted.flatMap((done, flow) => (done ? [flow] : [])).filter((flow) => adopt(flow)),
    [],
    "what is there is not taken twice",
  );
  // The endpoint has no address: all its entries are dead.
  const args = makeStruct("sweep_args");
  args.setU32("count", buckets);
  assert.equal(required(loaded.programs, "sweep").run(args.bytes), 0);
  assert.equal(args.u32("removed"), entries);
  assert.equal(endpoint.u32("used"), 0);
  for (let index = 0; index < buckets; index++) {
    const bucket = bucketAt(index);
    const words = Array.from({ length: constants.BUCKET_SLOTS }, (_, slot) => bucket.u64("word", slot));
    assert.deepEqual([bucket.u32("passed"), words], [0, [0n, 0n, 0n]], `bucket ${index}`);
  }
});
