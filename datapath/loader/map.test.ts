import assert from "node:assert/strict";
import { test } from "node:test";
import { BpfError } from "./error.ts";
import { countPossibleCpus } from "./map.ts";
import { openBpf } from "./open.ts";
import type { BpfMap, MapSpec } from "./ports.ts";

const bpf = openBpf();

function u32(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function numbers(bytes: Uint8Array): number[] {
  return [...new Uint32Array(Uint8Array.from(bytes).buffer)];
}

/** Runs `body` with a map that is closed, and so gone, behind it. */
function withMap(spec: Omit<MapSpec, "name">, body: (map: BpfMap) => void): void {
  const map = bpf.createMap({ name: "loader_test", ...spec });
  try {
    body(map);
  } finally {
    map.close();
  }
}

const hash = { type: "hash", keySize: 4, valueSize: 8, maxEntries: 1000 } as const;

test("a map describes itself", () => {
  withMap(hash, (map) => {
    const { name, keySize, valueSize, maxEntries } = map;
    const described = { name: "loader_test", keySize: 4, valueSize: 8, maxEntries: 1000 };
    assert.deepEqual({ name, keySize, valueSize, maxEntries }, described);
    const again = bpf.openMap(map.id);
    assert.equal(again.name, "loader_test");
    again.close();
  });
});

test("entries are put, found, replaced and deleted", () => {
  withMap(hash, (map) => {
    assert.equal(map.lookup(u32(7)), undefined);
    map.update(u32(7), u32(1, 2));
    assert.deepEqual(numbers(map.lookup(u32(7)) ?? u32()), [1, 2]);
    map.update(u32(7), u32(3, 4), "replace");
    assert.deepEqual(numbers(map.lookup(u32(7)) ?? u32()), [3, 4]);
    assert.equal(map.delete(u32(7)), true);
    assert.equal(map.delete(u32(7)), false);
  });
});

test("a value that was looked up is the caller's own", () => {
  withMap(hash, (map) => {
    map.update(u32(1), u32(1, 1));
    const first = map.lookup(u32(1)) ?? u32();
    map.update(u32(1), u32(2, 2));
    map.lookup(u32(1));
    assert.deepEqual(numbers(first), [1, 1]);
  });
});

test("create refuses a key that is there and replace one that is not, each with its code", () => {
  withMap(hash, (map) => {
    map.update(u32(1), u32(1, 1), "create");
    const failed = (code: string) => (error: unknown) => error instanceof BpfError && error.code === code;
    assert.throws(() => map.update(u32(1), u32(2, 2), "create"), failed("EEXIST"));
    assert.throws(() => map.update(u32(2), u32(2, 2), "replace"), failed("ENOENT"));
  });
});

test("a full map says what was tried on which map", () => {
  withMap({ ...hash, maxEntries: 1 }, (map) => {
    map.update(u32(1), u32(1, 1));
    assert.throws(
      () => map.update(u32(2), u32(1, 1)),
      (error: unknown) =>
        error instanceof BpfError && error.code === "E2BIG" && error.operation === "update map loader_test",
    );
  });
});

test("keys and values of a wrong size are refused before the kernel reads past them", () => {
  withMap(hash, (map) => {
    assert.throws(() => map.lookup(u32()), /loader_test: a key has 4 bytes, not 0/);
    assert.throws(() => map.update(u32(1), u32(1)), /loader_test: a value has 8 bytes, not 4/);
    const one = [u32(1), u32(1, 1)] as const;
    assert.throws(() => map.updateMany([one, [u32(2), u32(1)]]), /a value has 8 bytes, not 4/);
    assert.throws(() => map.updateMany([one, [u32(2, 2), u32(1, 1)]]), /a key has 4 bytes, not 8/);
    assert.deepEqual([...map.entries()], []);
  });
});

for (const [type, flags, key] of [
  ["hash", [], u32],
  ["hash", ["no-prealloc"], u32],
  ["array", [], u32],
  ["lpm-trie", ["no-prealloc"], (number: number) => u32(32, number)],
] as const) {
  test(`many entries of a ${type} map (${flags.join() || "preallocated"}) are written and read in batches`, () => {
    withMap({ ...hash, keySize: key(0).length, type, flags, maxEntries: 10_000 }, (map) => {
      const wanted = Array.from({ length: 10_000 }, (_, i) => [key(i), u32(i, i + 1)] as const);
      map.updateMany(wanted);
      const read = new Map([...map.entries()].map(([key, value]) => [numbers(key).join(), numbers(value).join()]));
      assert.equal(read.size, 10_000);
      assert.ok(wanted.every(([key, value]) => read.get(numbers(key).join()) === numbers(value).join()));
    });
  });
}

for (const [type, flags] of [
  ["hash", []],
  ["lpm-trie", ["no-prealloc"]],
] as const) {
  test(`deleting many keys of a ${type} map counts those that were there, and goes on behind those that were not`, () => {
    withMap({ ...hash, type, flags, keySize: 8 }, (map) => {
      const key = (number: number) => u32(32, number);
      map.updateMany([1, 2, 3].map((number) => [key(number), u32(0, 0)] as const));
      assert.equal(map.deleteMany([8, 1, 9, 9, 3, 7].map(key)), 2);
      assert.deepEqual(
        [...map.entries()].map(([one]) => numbers(one)),
        [[32, 2]],
      );
    });
  });
}

test("a range of an array is read from its first index on, as each value is looked up", () => {
  const perCpu = { type: "percpu-array", keySize: 4, valueSize: 8, maxEntries: 9 } as const;
  for (const spec of [perCpu, { ...perCpu, type: "array" }] as const) {
    withMap(spec, (map) => {
      const size = map.lookup(u32(0))?.length ?? 0;
      map.updateMany(Array.from({ length: 9 }, (_, i) => [u32(i), new Uint8Array(size).fill(i)] as const));
      for (const [first, count] of [
        [0, 9],
        [0, 2],
        [3, 4],
        [8, 1],
        [5, 0],
      ] as const) {
        const wanted = Array.from({ length: count }, (_, i) => map.lookup(u32(first + i)));
        assert.deepEqual(map.lookupRange(first, count), wanted);
      }
    });
  }
});

test("a per-CPU map has a value for each possible CPU, rounded up to 8 bytes", () => {
  withMap({ type: "percpu-array", keySize: 4, valueSize: 4, maxEntries: 2 }, (map) => {
    assert.equal(map.valueSize, 8);
    const values = Array.from({ length: bpf.possibleCpus }, (_, cpu) => [cpu + 1, 0]).flat();
    map.update(u32(1), u32(...values));
    assert.deepEqual(numbers(map.lookup(u32(1)) ?? u32()), values);
    assert.deepEqual(
      [...map.entries()].map(([key, value]) => [numbers(key)[0], numbers(value)]),
      [
        [0, values.map(() => 0)],
        [1, values],
      ],
    );
  });
});

test("CPUs are counted from lists of ranges", () => {
  assert.equal(countPossibleCpus("0-3\n"), 4);
  assert.equal(countPossibleCpus("0,2-3,8\n"), 4);
  assert.equal(countPossibleCpus("0\n"), 1);
});

test("a prefix map finds the longest prefix and is walked entry by entry", () => {
  withMap({ type: "lpm-trie", keySize: 8, valueSize: 4, maxEntries: 10, flags: ["no-prealloc"] }, (map) => {
    const prefix = (length: number, ...address: number[]) => Uint8Array.from([length, 0, 0, 0, ...address]);
    map.updateMany([
      [prefix(8, 10, 0, 0, 0), u32(8)],
      [prefix(16, 10, 1, 0, 0), u32(16)],
      [prefix(0, 0, 0, 0, 0), u32(1)],
    ]);
    const find = (...address: number[]) => numbers(map.lookup(prefix(32, ...address)) ?? u32())[0];
    assert.deepEqual([find(10, 1, 2, 3), find(10, 9, 9, 9), find(11, 0, 0, 1)], [16, 8, 1]);
    assert.deepEqual([...map.entries()].map(([, value]) => numbers(value)[0]).sort(), [1, 16, 8]);
  });
});

test("an inner map is put by its descriptor, alone or among many, and found again by its id", () => {
  withMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 1 }, (inner) => {
    const spec = { type: "array-of-maps", keySize: 4, valueSize: 4, maxEntries: 4, innerMap: inner } as const;
    withMap(spec, (outer) => {
      outer.update(u32(2), u32(inner.fd));
      assert.equal(outer.lookup(u32(1)), undefined);
      outer.updateMany([0, 3].map((index) => [u32(index), u32(inner.fd)] as const));
      const ids = [0, 1, 2, 3].map((index) => numbers(outer.lookup(u32(index)) ?? u32())[0]);
      assert.deepEqual(ids, [inner.id, undefined, inner.id, inner.id]);
      const id = numbers(outer.lookup(u32(2)) ?? u32())[0] ?? 0;
      assert.equal(id, inner.id);
      inner.update(u32(0), u32(5, 6));
      const opened = bpf.openMap(id);
      assert.deepEqual(numbers(opened.lookup(u32(0)) ?? u32()), [5, 6]);
      opened.close();
    });
  });
});

test("mapped memory and the map are the same bytes, both ways", () => {
  withMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 3, flags: ["mmapable"] }, (map) => {
    const words = new Uint32Array(map.mmap());
    words[2] = 77;
    assert.deepEqual(numbers(map.lookup(u32(1)) ?? u32()), [77, 0]);
    map.update(u32(2), u32(1, 2));
    assert.deepEqual([...words.slice(4, 6)], [1, 2]);
  });
});

test("a map that is not mappable says so", () => {
  withMap(hash, (map) => {
    assert.throws(() => map.mmap(), BpfError);
  });
});

test("a name that the kernel would cut off is refused", () => {
  assert.throws(
    () => bpf.createMap({ ...hash, name: "sixteen_letters_" }),
    (error: unknown) => error instanceof BpfError && error.code === "ENAMETOOLONG",
  );
});

test("a map id that nobody has is an error with its code", () => {
  assert.throws(
    () => bpf.openMap(0x7fffffff),
    (error: unknown) =>
      error instanceof BpfError && error.code === "ENOENT" && /open map 2147483647/.test(error.message),
  );
});
