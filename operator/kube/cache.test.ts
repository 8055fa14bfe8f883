import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredObject } from "../ports.ts";
import { type CacheChange, ObjectCache } from "./cache.ts";

const set = (name: string, resourceVersion: string, uid = `uid-${name}`): StoredObject => ({
  apiVersion: "node.sallyport.dev/v1alpha1",
  kind: "AddressSet",
  metadata: { name, uid, resourceVersion, generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" },
});

function cacheWith(...objects: readonly StoredObject[]) {
  const changes: CacheChange[] = [];
  const cache = new ObjectCache("AddressSet", (change) => changes.push(change));
  cache.replace(objects, "100");
  changes.length = 0;
  const versions = () => cache.items().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);
  return { cache, changes, versions };
}

test("what the watch tells later than the answer to our own write changes nothing and is no change", () => {
  const { cache, changes, versions } = cacheWith(set("a", "9"));
  cache.put(set("a", "120"));
  cache.put(set("a", "110"));
  cache.put(set("a", "120"));
  assert.deepEqual(versions(), ["a@120"]);
  assert.equal(changes.length, 1);
});

test("an object that we deleted does not come back with what the watch still tells of it", () => {
  const { cache, changes, versions } = cacheWith(set("a", "9"));
  cache.forget(set("a", "9"));
  cache.put(set("a", "101"));
  cache.remove(set("a", "102"));
  assert.deepEqual(versions(), []);
  assert.equal(changes.length, 1);
  cache.put(set("a", "103", "another"));
  assert.deepEqual(versions(), ["a@103"]);
});

test("a deletion that is told late does not take away what was created since", () => {
  const { cache, versions } = cacheWith(set("a", "9"));
  cache.put(set("a", "130", "another"));
  cache.remove(set("a", "120"));
  assert.deepEqual(versions(), ["a@130"]);
});

test("a list replaces what is older, keeps what we wrote since, and tells only what differs", () => {
  const { cache, changes, versions } = cacheWith(set("a", "9"), set("b", "10"), set("c", "11"));
  cache.put(set("written", "205"));
  changes.length = 0;
  cache.replace([set("a", "9"), set("b", "150")], "200");
  assert.deepEqual(versions(), ["a@9", "b@150", "written@205"]);
  assert.deepEqual(
    changes.map(({ before, after }) => [before?.metadata.name, after?.metadata.resourceVersion]),
    [
      ["b", "150"],
      ["c", undefined],
    ],
  );
});
