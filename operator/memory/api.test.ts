import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type ApiObject, type WatchEvent } from "../ports.ts";
import { SteppingClock } from "../test/cluster.ts";
import { MemoryApi } from "./api.ts";

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

test("an object gets a uid, a resourceVersion, generation 1 and a time; none is changed by writing it again", async () => {
  const store = api();
  const created = await store.apply(group({ description: "a" }));
  assert.deepEqual(
    { ...created.metadata, uid: created.metadata.uid.length },
    {
      name: "web",
      namespace: "default",
      uid: 36,
      generation: 1,
      resourceVersion: "1",
      creationTimestamp: "1970-01-01T00:00:01Z",
    },
  );
  assert.deepEqual(await store.apply(group({ description: "a" })), created);
  assert.equal(store.writes.length, 1);
});

test("the generation counts changes of the content, not of labels and status", async () => {
  const store = api();
  await store.apply(group({ description: "a" }));
  assert.equal((await store.apply(group({ description: "b" }))).metadata.generation, 2);
  assert.equal((await store.apply(group({ description: "b" }, { labels: { a: "" } }))).metadata.generation, 2);
  assert.equal((await store.applyStatus(ref, { attached: 1 })).metadata.generation, 2);
  assert.deepEqual(
    store.writes.map(({ verb }) => verb),
    ["create", "update", "update", "status"],
  );
});

test("status is written by applyStatus alone, and apply keeps it", async () => {
  const store = api();
  const created = await store.apply({ ...group({}), status: { attached: 7 } });
  assert.equal(created.status, undefined);
  await store.applyStatus(ref, { attached: 1 });
  assert.deepEqual((await store.apply({ ...group({ description: "b" }), status: {} })).status, { attached: 1 });
  const before = store.writes.length;
  await store.applyStatus(ref, { attached: 1 });
  assert.equal(store.writes.length, before);
});

test("a replaced object loses the labels and fields that are no longer there", async () => {
  const store = api();
  await store.apply(group({ description: "a" }, { labels: { a: "" } }));
  const replaced = await store.apply(group({}));
  assert.equal(replaced.metadata.labels, undefined);
  assert.deepEqual(replaced.spec, {});
});

test("an outdated resourceVersion or another uid is a conflict", async () => {
  const store = api();
  const { metadata } = await store.apply(group({}));
  await store.apply(group({ description: "b" }));
  const { resourceVersion } = metadata;
  await assert.rejects(
    store.apply(group({}, { resourceVersion })),
    refusedAs("Conflict", /^SecurityGroup default\/web: metadata\.resourceVersion 1 is not current; read/),
  );
  await assert.rejects(store.apply(group({}, { uid: "other" })), refusedAs("Conflict", /metadata\.uid other/));
  await store.apply(group({}, { uid: metadata.uid }));
});

test("an object of the wrong version, or with a namespace too many or too few, is refused", async () => {
  const store = api();
  await assert.rejects(store.apply({ ...group({}), apiVersion: "v1" }), refusedAs("Invalid", /apiVersion v1/));
  await assert.rejects(
    store.apply({ ...group({}), metadata: { name: "web" } }),
    refusedAs("Invalid", /metadata\.namespace is missing/),
  );
  const cluster = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a", namespace: "b" } } as const;
  await assert.rejects(store.apply(cluster), refusedAs("Invalid", /not for this kind; remove it/));
});

test("what does not exist can be neither deleted nor given a status", async () => {
  const store = api();
  await assert.rejects(
    store.delete(ref),
    refusedAs("NotFound", /SecurityGroup default\/web does not exist; create it/),
  );
  await assert.rejects(store.applyStatus(ref, {}), refusedAs("NotFound", /does not exist/));
  assert.equal(await store.get(ref), undefined);
});

test("an object with a finalizer is marked, and goes with its last one", async () => {
  const store = api();
  await store.apply(group({}));
  for (const name of ["one", "two"]) await store.finalize(ref, name, true);
  await store.delete(ref);
  await store.delete(ref);
  const marked = await store.get(ref);
  assert.notEqual(marked?.metadata.deletionTimestamp, undefined);
  await store.apply(group({ description: "still changed" }));
  await store.finalize(ref, "one", false);
  assert.deepEqual((await store.get(ref))?.metadata.finalizers, ["two"]);
  await store.finalize(ref, "two", false);
  assert.equal(await store.get(ref), undefined);
  assert.equal(store.writes.filter(({ verb }) => verb === "mark-deleted").length, 1);
});

test("an object that comes again under its name has another uid", async () => {
  const store = api();
  const first = await store.apply(group({}));
  await store.delete(ref);
  assert.notEqual((await store.apply(group({}))).metadata.uid, first.metadata.uid);
});

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

test("lists are in the order of namespace and name", async () => {
  const store = api();
  for (const name of ["b", "a"]) await store.apply(group({}, { name }));
  await store.apply(group({}, { name: "a", namespace: "abc" }));
  const names = (await store.list("SecurityGroup")).items.map(
    ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
  );
  assert.deepEqual(names, ["abc/a", "default/a", "default/b"]);
});
