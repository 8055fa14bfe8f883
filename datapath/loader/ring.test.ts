import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openBpf } from "./open.ts";
import { withObject } from "./test/object.ts";
import { enterSandbox, sandboxBpffs } from "./test/sandbox.ts";

enterSandbox();
const bpf = openBpf();
const size = 4096;
const source = `
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ${size});
} ring SEC(".maps");
__u32 next = 0;
/* Records of 12 bytes, numbered; every third is thought better of. Returns 1 when there was room. */
SEC("tc") int write_record(struct __sk_buff *skb)
{
	__u32 number = next;
	__u32 *record = bpf_ringbuf_reserve(&ring, 12, 0);
	if (!record)
		return 0;
	next = number + 1;
	record[0] = number;
	record[1] = number * 2;
	record[2] = ~number;
	if (number % 3 == 2)
		bpf_ringbuf_discard(record, 0);
	else
		bpf_ringbuf_submit(record, 0);
	return 1;
}
`;
const object = withObject(source, (path) =>
  bpf.load({ object: path, pinRoot: sandboxBpffs, constants: {}, mapSizes: {} }),
);
const ringMap = object.maps.get("ring") ?? assert.fail("no ring");
const writer = object.programs.get("write_record") ?? assert.fail("no writer");
const ring = bpf.readRing(ringMap);
after(() => {
  ring.close();
  object.close();
});

function write(count: number): number {
  let written = 0;
  for (let i = 0; i < count; i++) {
    written += writer.testRun({ data: new Uint8Array(64) }).returnValue;
  }
  return written;
}

let expected = 0;
/** Reads, and checks that the records are the next `written` numbers without those that were discarded. */
function readNext(written: number): void {
  const records = ring.read();
  const numbers = Array.from({ length: written }, (_, i) => expected + i).filter((number) => number % 3 !== 2);
  expected += written;
  assert.deepEqual(
    records.map((record) => [...new Uint32Array(new Uint8Array(record).buffer)]),
    numbers.map((number) => [number, number * 2, ~number >>> 0]),
  );
}

test("an empty ring has no records", () => {
  assert.deepEqual(ring.read(), []);
});

test("records come in order, once, and without those that were discarded", () => {
  readNext(write(10));
  assert.deepEqual(ring.read(), []);
});

test("records that lie across the end of the ring come whole, round after round", () => {
  // A record takes 24 bytes with its header, and 4096 is no multiple of that: every round ends inside another one.
  for (let round = 0; round < 20; round++) {
    readNext(write(100));
  }
});

test("a full ring loses the newest, keeps the rest, and works again once it was read", () => {
  const written = write(1000);
  assert.equal(written, Math.floor(size / 24));
  readNext(written);
  readNext(write(5));
});
