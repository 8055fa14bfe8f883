import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type ApiObject, type WatchEvent } from "../ports.ts";
import { apiContract } from "../test/api-contract.ts";
import { SteppingClock } from "../test/cluster.ts";
import { MemoryApi } from "./api.ts";

apiContract({ name: "in memory", open: async () => new MemoryApi(new SteppingClock()) });

const ref = { kind: "SecurityGroup", name: "web", namespace: "default" } as const;

const group = (spec: object, metadata: object = {}): ApiObject => ({
  apiVersion: "sallyport.dev/v1alpha1",
  kind: "SecurityGroup",
  metadata: { name: "web", namespace: "default", ...metadata },
  spec,
});

const api = (remembered?: number): MemoryApi => new MemoryApi(new SteppingClock(), remembered);

const refusedAs = (code: ApiError["code"], text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError);
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

test("a watch gets later changes of its kind in order, with the last state of what is deleted", async () => {
  const store = api();
  await store.apply(group({}));
  const { resourceVersion } = await store.list("SecurityGroup");
  await store.apply(group({ description: "b" }));
  const seen: WatchEvent[] = [];
  const stop = await store.watch("SecurityGroup", resourceVersion, (event) => seen.push(event));
  await store.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } });
  await store.applyStatus(ref, { attached: 1 });
  await store.delete(ref);
  stop();
  await store.apply(group({}));
  assert.deepEqual(
    seen.map(({ type, object }) => [type, object.spec, object.status]),
    [
      ["modified", { description: "b" }, undefined],
      ["modified", { description: "b" }, { attached: 1 }],
      ["deleted", { description: "b" }, { attached: 1 }],
    ],
  );
  const versions = seen.map(({ object }) => Number(object.metadata.resourceVersion));
  assert.deepEqual(
    versions,
    [...versions].sort((a, b) => a - b),
  );
});

test("a watch from too long ago is expired", async () => {
  const store = api(2);
  for (const description of ["a", "b", "c", "d"]) await store.apply(group({ description }));
  await assert.rejects(
    store.watch("SecurityGroup", "1", () => {}),
    refusedAs("Expired", /resourceVersion 1 of SecurityGroup is too old; list again/),
  );
  await store.watch("SecurityGroup", "2", () => {});
});

test("what the store hands out can't be changed, and what was handed in is copied", async () => {
  const store = api();
  const spec = { description: "a" };
  const created = await store.apply(group(spec));
  spec.description = "b";
  assert.deepEqual((await store.get(ref))?.spec, { description: "a" });
  assert.throws(() => Object.assign(created.spec as object, { description: "c" }), TypeError);
});

test("every change is written down once, and what is the same already not at all", async () => {
  const store = api();
  await store.apply(group({ description: "a" }));
  await store.apply(group({ description: "a" }));
  await store.applyStatus(ref, { attached: 1 });
  await store.applyStatus(ref, { attached: 1 });
  await store.finalize(ref, "one", true);
  await store.delete(ref);
  await store.delete(ref);
  await store.finalize(ref, "one", false);
  assert.deepEqual(
    store.writes.map(({ verb }) => verb),
    ["create", "status", "finalize", "mark-deleted", "delete"],
  );
});
