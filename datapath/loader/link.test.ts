import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { BpfError } from "./error.ts";
import { openBpf } from "./open.ts";
import type { BpfLink, BpfMap, BpfProgram } from "./ports.ts";
import { withObject } from "./test/object.ts";
import { enterSandbox, interfaceIndex, ip, sandboxBpffs } from "./test/sandbox.ts";

enterSandbox();
ip("link add left type veth peer name right");
const left = interfaceIndex("left");

const bpf = openBpf();
const source = `
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100000);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");
static __attribute__((always_inline)) int note(__u32 key)
{
	__u64 *count = bpf_map_lookup_elem(&seen, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	return -1;
}
SEC("tc") int first(struct __sk_buff *skb) { return note(1); }
SEC("tc") int second(struct __sk_buff *skb) { return note(2); }
SEC("tc") int dropping(struct __sk_buff *skb) { note(3); return 2; }

struct bpf_iter_meta { void *seq; __u64 session_id; __u64 seq_num; };
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; void *map; void *key; void *value; };
SEC("iter/bpf_map_elem") int odd_keys(struct bpf_iter__bpf_map_elem *context)
{
	__u32 *key = context->key, copy;
	if (!key)
		return 0;
	copy = *key;
	if (copy & 1)
		bpf_seq_write(context->meta->seq, &copy, sizeof(copy));
	return 0;
}
`;
const object = withObject(source, (path) =>
  bpf.load({ object: path, pinRoot: sandboxBpffs, constants: {}, mapSizes: {} }),
);
after(() => object.close());

function program(name: string): BpfProgram {
  return object.programs.get(name) ?? assert.fail(`no program ${name}`);
}

function map(name: string): BpfMap {
  return object.maps.get(name) ?? assert.fail(`no map ${name}`);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** How often each program saw a packet meanwhile. */
function seenWhile(body: () => void): number[] {
  for (const key of [0, 1, 2, 3]) {
    map("seen").update(u32(key), new Uint8Array(8));
  }
  body();
  return [1, 2, 3].map((key) => map("seen").lookup(u32(key))?.[0] ?? 0);
}

/** Sends one frame out of `left`, to a neighbour that is not there. */
function send(): void {
  execFileSync("bash", ["-c", "echo > /dev/udp/198.51.100.2/9"]);
}

ip("address add 198.51.100.1/24 dev left");
for (const end of ["left", "right"]) {
  // Without an address of its own it says nothing by itself, which would be counted.
  ip(`link set ${end} addrgenmode none`);
  ip(`link set ${end} up`);
}
ip("neigh replace 198.51.100.2 lladdr 02:00:00:00:00:99 dev left");

function closing<T>(link: BpfLink, body: (link: BpfLink) => T): T {
  try {
    return body(link);
  } finally {
    link.close();
  }
}

test("an attached program sees packets until its last descriptor is closed", () => {
  const attached = seenWhile(() => closing(bpf.attachTcx(program("first"), left, "egress"), send));
  assert.ok((attached[0] ?? 0) > 0);
  assert.deepEqual(seenWhile(send), [0, 0, 0]);
});

test("a later attachment stands before an earlier one", () => {
  const counts = seenWhile(() =>
    closing(bpf.attachTcx(program("first"), left, "egress"), () =>
      closing(bpf.attachTcx(program("dropping"), left, "egress"), send),
    ),
  );
  assert.equal(counts[0], 0);
  assert.ok((counts[2] ?? 0) > 0);
});

test("an update exchanges the program under the same link", () => {
  const counts = seenWhile(() =>
    closing(bpf.attachTcx(program("first"), left, "egress"), (link) => {
      const { id } = link;
      link.update(program("second"));
      assert.equal(link.id, id);
      send();
    }),
  );
  assert.equal(counts[0], 0);
  assert.ok((counts[1] ?? 0) > 0);
});

test("a pinned link outlives its descriptor, is opened again, and is detached at once", () => {
  const path = join(sandboxBpffs, "link");
  closing(bpf.attachTcx(program("first"), left, "egress"), (link) => {
    link.pin(path);
    assert.throws(
      () => link.pin(path),
      (error: unknown) => error instanceof BpfError && error.code === "EEXIST" && error.message.includes(path),
    );
  });
  assert.ok((seenWhile(send)[0] ?? 0) > 0);
  closing(bpf.openPinnedLink(path), (link) => link.detach());
  assert.ok(existsSync(path));
  assert.deepEqual(seenWhile(send), [0, 0, 0]);
});

test("a link whose interface is gone says ENOLINK", () => {
  ip("link add gone type veth peer name gone-too");
  closing(bpf.attachTcx(program("first"), interfaceIndex("gone"), "ingress"), (link) => {
    ip("link delete gone");
    assert.throws(
      () => link.update(program("second")),
      (error: unknown) => error instanceof BpfError && error.code === "ENOLINK",
    );
  });
});

test("attaching to an interface that is not there names program, hook and interface", () => {
  assert.throws(
    () => bpf.attachTcx(program("first"), 9999, "ingress"),
    /attach first at tcx ingress of interface 9999: ENODEV/,
  );
});

test("pinned maps are opened again, and a pin that is not there is named", () => {
  const path = join(sandboxBpffs, "seen");
  map("seen").pin(path);
  const pinned = bpf.openPinnedMap(path);
  assert.equal(pinned.id, map("seen").id);
  pinned.close();
  assert.throws(() => bpf.openPinnedMap(`${path}-not`), /open the pin .*seen-not: ENOENT/);
});

test("an iterator walks a map in reads of any size and returns what its program wrote", () => {
  const count = 30_000;
  map("numbers").updateMany(Array.from({ length: count }, (_, key) => [u32(key), u32(0)] as const));
  for (const bytes of [4, 4096, 65_536]) {
    const found = Buffer.concat([...bpf.iterate(program("odd_keys"), map("numbers"), bytes)]);
    const keys = new Set(new Uint32Array(new Uint8Array(found).buffer));
    assert.equal(found.length, (4 * count) / 2);
    assert.equal(keys.size, count / 2);
    assert.ok([...keys].every((key) => key % 2 === 1));
  }
});

test("a walk that is given up leaves no descriptor", () => {
  const before = readdirSync("/proc/self/fd");
  const [chunk] = bpf.iterate(program("odd_keys"), map("numbers"), 4096);
  assert.equal(chunk?.length, 4096);
  assert.deepEqual(readdirSync("/proc/self/fd"), before);
});
