import assert from "node:assert/strict";
import { test } from "node:test";
import { transactions } from "./etcd.ts";

interface Transaction {
  readonly success: readonly { readonly requestPut: { readonly key: string; readonly value: string } }[];
}

const decoded = (text: string): string => Buffer.from(text, "base64").toString();

const read = (bodies: Iterable<string>) =>
  [...bodies].map((body) =>
    (JSON.parse(body) as Transaction).success.map(({ requestPut: { key, value } }) => ({
      key: decoded(key),
      object: JSON.parse(decoded(value)) as unknown,
    })),
  );

test("every object is put once under its key, in transactions that etcd takes", () => {
  const objects = Array.from({ length: 300 }, (_, index) => ({
    key: `pods/a/${index}`,
    object: { name: `ü${index}` },
  }));
  const found = read(transactions(objects));
  assert.deepEqual(
    found.map(({ length }) => length),
    [128, 128, 44],
  );
  assert.deepEqual(
    found.flat(),
    objects.map(({ key, object }) => ({ key: `/registry/${key}`, object })),
  );
});

test("large objects are fewer to a transaction, and one that is too large is alone", () => {
  const large = (letters: number) => ({ key: "x", object: { text: "x".repeat(letters) } });
  const sizes = [300_000, 300_000, 300_000, 2_000_000, 10].map(large);
  assert.deepEqual(
    read(transactions(sizes)).map(({ length }) => length),
    [2, 1, 1, 1],
  );
});

test("no objects are no transaction", () => {
  assert.deepEqual([...transactions([])], []);
});
