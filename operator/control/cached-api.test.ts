import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryApi } from "../memory/api.ts";
import { ApiError, type ApiObject, type ObjectRef } from "../ports.ts";
import { SteppingClock } from "../test/cluster.ts";
import { CachedApi } from "./cached-api.ts";
import { Caches } from "./caches.ts";

const ref: ObjectRef = { kind: "PrefixList", name: "offices" };

const listOf = (maxEntries: number): ApiObject => ({
  apiVersion: "sallyport.dev/v1alpha1",
  kind: "PrefixList",
  metadata: { name: ref.name },
  spec: { addressFamily: "IPv4", maxEntries },
});

/** An API behind caches that no watch feeds: they know what was written through them and nothing else. */
function cached() {
  const inner = new MemoryApi(new SteppingClock());
  const changes: string[] = [];
  const written: string[] = [];
  const permitted = { now: true };
  const caches = new Caches(({ kind, before, after }) => {
    changes.push(`${kind} ${before?.metadata.resourceVersion ?? "-"} ${after?.metadata.resourceVersion ?? "-"}`);
  });
  const api = new CachedApi(caches, inner, {
    check: async () => {
      if (!permitted.now) throw new Error("another replica leads");
    },
    written: (kind, verb) => written.push(`${verb} ${kind}`),
  });
  return { api, inner, caches, changes, written, permitted };
}

test("what is read is what the caches hold, without a question to the API server", async () => {
  const { api, inner, caches } = cached();
  const stored = await inner.apply(listOf(1));
  assert.equal(await api.get(ref), undefined);
  assert.deepEqual((await api.list("PrefixList")).items, []);
  caches.of("PrefixList").put(stored);
  await inner.delete(ref);
  assert.equal(await api.get(ref), stored);
  assert.deepEqual((await api.list("PrefixList")).items, [stored]);
});

test("every write is in the caches when it is done, and its change is told like any other", async () => {
  const { api, changes, written } = cached();
  assert.equal(await api.apply(listOf(1)), await api.get(ref));
  await api.applyStatus(ref, { entries: 1 });
  assert.deepEqual((await api.get(ref))?.status, { entries: 1 });
  await api.finalize(ref, "a.example/hold", true);
  assert.deepEqual((await api.get(ref))?.metadata.finalizers, ["a.example/hold"]);
  await api.finalize(ref, "a.example/hold", false);
  await api.delete(ref);
  assert.equal(await api.get(ref), undefined);
  assert.deepEqual(changes, ["PrefixList - 1", "PrefixList 1 2", "PrefixList 2 3", "PrefixList 3 4", "PrefixList 4 -"]);
  assert.deepEqual(
    written.map((write) => write.split(" ")[0]),
    ["apply", "status", "finalize", "finalize", "delete"],
  );
});

test("a finalizer that was the last hold of a deleted object takes it out of the caches", async () => {
  const { api, inner } = cached();
  await api.apply(listOf(1));
  await api.finalize(ref, "a.example/hold", true);
  await inner.delete(ref);
  assert.equal(await api.finalize(ref, "a.example/hold", false), undefined);
  assert.equal(await api.get(ref), undefined);
});

test("where writing is not permitted nothing is written, whatever the verb", async () => {
  const { api, inner, written, permitted } = cached();
  const stored = await api.apply(listOf(1));
  permitted.now = false;
  const forbidden = /another replica leads/;
  await assert.rejects(api.apply(listOf(2)), forbidden);
  await assert.rejects(api.applyStatus(ref, {}), forbidden);
  await assert.rejects(api.finalize(ref, "a.example/hold", true), forbidden);
  await assert.rejects(api.delete(ref), forbidden);
  assert.equal(inner.writes.length, 1);
  assert.equal(written.length, 1);
  assert.equal(await api.get(ref), stored);
});

test("a write that the API server refuses changes no cache and counts as none", async () => {
  const { api, changes, written } = cached();
  const stored = await api.apply(listOf(1));
  const outdated = { ...listOf(2), metadata: { name: ref.name, resourceVersion: "99" } };
  await assert.rejects(api.apply(outdated), (error) => error instanceof ApiError && error.code === "Conflict");
  await assert.rejects(api.delete(ref, "another uid"), ApiError);
  await assert.rejects(api.applyStatus({ ...ref, name: "none" }, {}), ApiError);
  assert.equal(await api.get(ref), stored);
  assert.deepEqual([changes.length, written.length], [1, 1]);
});
