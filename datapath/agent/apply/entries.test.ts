import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openBpf } from "../../loader/open.ts";
import { u32Bytes } from "../bytes.ts";
import { applyEntries, diffEntries } from "./entries.ts";

type Entry = readonly [Uint8Array, Uint8Array];

function entry(key: number, value: number): Entry {
  return [u32Bytes(key), u32Bytes(value)];
}

test("only what differs is written, and only what is too much is removed", () => {
  const { put, remove } = diffEntries([entry(1, 1), entry(2, 2), entry(3, 3)], [entry(2, 2), entry(3, 4), entry(5, 5)]);
  assert.deepEqual(put, [entry(3, 4), entry(5, 5)]);
  assert.deepEqual(remove, [u32Bytes(1)]);
});

test("bytes count, not where they lie", () => {
  const shared = new Uint8Array([9, 9, 1, 0, 0, 0, 2, 0, 0, 0]);
  const window: Entry = [shared.subarray(2, 6), shared.subarray(6, 10)];
  assert.deepEqual(diffEntries([window], [entry(1, 2)]), { put: [], remove: [] });
});

test("applying a difference makes the one content into the other", () => {
  const contents = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 3 })), {
    selector: ([key]) => key,
  });
  fc.assert(
    fc.property(contents, contents, (before, after) => {
      const { put, remove } = diffEntries(
        before.map(([key, value]) => entry(key, value)),
        after.map(([key, value]) => entry(key, value)),
      );
      const number = (bytes: Uint8Array) => bytes[0] ?? 0;
      const result = new Map(before);
      for (const key of remove) result.delete(number(key));
      for (const [key, value] of put) result.set(number(key), number(value));
      const sorted = (content: Iterable<readonly [number, number]>) => [...content].sort(([a], [b]) => a - b);
      assert.deepEqual(sorted(result), sorted(after));
    }),
  );
});

test("a map keeps its old entries until the caller has switched over to the new ones", () => {
  const map = openBpf().createMap({ type: "hash", name: "entries_test", keySize: 4, valueSize: 4, maxEntries: 10 });
  try {
    applyEntries(map, [entry(1, 1), entry(2, 2)])();
    const removeOld = applyEntries(map, [entry(2, 3), entry(4, 4)]);
    const content = () => new Map([...map.entries()].map(([key, value]) => [key[0], value[0]]));
    assert.deepEqual([content().get(1), content().get(2), content().get(4)], [1, 3, 4]);
    removeOld();
    assert.deepEqual([content().get(1), content().get(2), content().get(4)], [undefined, 3, 4]);
  } finally {
    map.close();
  }
});
