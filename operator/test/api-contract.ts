import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type ApiObject, type ApiPort, type ObjectRef } from "../ports.ts";

/** What an API needs to be put through the contract. */
export interface ContractParts {
  readonly open: () => Promise<ApiPort>;
  /** Begins the names of the tests. */
  readonly name: string;
}

let groups = 0;

/** Another group for each test: a real API server keeps what earlier ones left. */
function nextGroup() {
  groups += 1;
  const name = `contract-${groups}`;
  const ref: ObjectRef = { kind: "SecurityGroup", name, namespace: "default" };
  const group = (spec: object, metadata: object = {}): ApiObject => ({
    apiVersion: "sallyport.dev/v1alpha1",
    kind: "SecurityGroup",
    metadata: { name, namespace: "default", ...metadata },
    spec,
  });
  return { ref, group };
}

/** A status that the schema takes. */
const statusOf = (attached: number): object => ({
  conditions: [],
  attached,
  programmed: 0,
  rules: { ingress: { ipv4: 0, ipv6: 0 }, egress: { ipv4: 0, ipv6: 0 }, quota: 60 },
  staleRules: [],
  duplicateRules: [],
  untrackedRules: [],
  warnings: [],
});

const refusedAs = (code: ApiError["code"], text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

/** What every API behind the port must do, the real one included. */
export function apiContract({ open, name }: ContractParts): void {
  const say = (text: string): string => `${name}: ${text}`;

  test(
    say("an object gets a uid, a resourceVersion, generation 1 and a time; none is changed by writing it again"),
    async () => {
      const api = await open();
      const { ref, group } = nextGroup();
      const created = await api.apply(group({ description: "a" }));
      const { uid, resourceVersion, creationTimestamp, generation } = created.metadata;
      assert.match(uid, /^[0-9a-f-]{36}$/);
      assert.match(resourceVersion, /^[1-9][0-9]*$/);
      assert.match(creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(generation, 1);
      assert.deepEqual(await api.apply(group({ description: "a" })), created);
      assert.deepEqual(await api.get(ref), created);
    },
  );

  test(say("the generation counts changes of the content, not of labels and status"), async () => {
    const api = await open();
    const { ref, group } = nextGroup();
    await api.apply(group({ description: "a" }));
    assert.equal((await api.apply(group({ description: "b" }))).metadata.generation, 2);
    const labelled = await api.apply(group({ description: "b" }, { labels: { a: "" } }));
    assert.deepEqual(labelled.metadata.labels, { a: "" });
    assert.equal(labelled.metadata.generation, 2);
    assert.equal((await api.applyStatus(ref, statusOf(1))).metadata.generation, 2);
  });

  test(say("status is written by applyStatus alone, and apply keeps it"), async () => {
    const api = await open();
    const { ref, group } = nextGroup();
    const created = await api.apply({ ...group({}), status: statusOf(7) });
    assert.equal(created.status, undefined);
    const told = await api.applyStatus(ref, statusOf(1));
    assert.deepEqual((await api.apply({ ...group({ description: "b" }), status: statusOf(2) })).status, statusOf(1));
    const again = await api.applyStatus(ref, statusOf(1));
    assert.notEqual(again.metadata.resourceVersion, told.metadata.resourceVersion);
    assert.deepEqual(await api.applyStatus(ref, statusOf(1)), again);
  });

  test(say("a replaced object loses the labels and fields that are no longer there"), async () => {
    const api = await open();
    const { group } = nextGroup();
    await api.apply(group({ description: "a" }, { labels: { a: "" } }));
    const replaced = await api.apply(group({}));
    assert.equal(replaced.metadata.labels, undefined);
    assert.equal((replaced.spec as { description?: string }).description, undefined);
  });

  test(say("an outdated resourceVersion or another uid is a conflict"), async () => {
    const api = await open();
    const { ref, group } = nextGroup();
    const { metadata } = await api.apply(group({}));
    await api.apply(group({ description: "b" }));
    const { resourceVersion, uid } = metadata;
    const other = "00000000-0000-4000-8000-ffffffffffff";
    await assert.rejects(
      api.apply(group({ description: "c" }, { resourceVersion })),
      refusedAs("Conflict", /^SecurityGroup default\/contract-\d+: .*; read the object again$/),
    );
    await assert.rejects(api.apply(group({ description: "c" }, { uid: other })), refusedAs("Conflict", /read/));
    await assert.rejects(api.delete(ref, other), refusedAs("Conflict", /read the object again/));
    await api.apply(group({ description: "c" }, { uid }));
    await api.delete(ref, uid);
    assert.equal(await api.get(ref), undefined);
  });

  test(say("an object of the wrong version, or with a namespace too many or too few, is refused"), async () => {
    const api = await open();
    const { group } = nextGroup();
    await assert.rejects(api.apply({ ...group({}), apiVersion: "v1" }), refusedAs("Invalid", /apiVersion v1/));
    await assert.rejects(
      api.apply({ ...group({}), metadata: { name: "web" } }),
      refusedAs("Invalid", /metadata\.namespace is missing/),
    );
    const cluster = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a", namespace: "b" } } as const;
    await assert.rejects(api.apply(cluster), refusedAs("Invalid", /not for this kind; remove it/));
  });

  test(say("what does not exist can be neither deleted nor given a status or a finalizer"), async () => {
    const api = await open();
    const { ref } = nextGroup();
    const missing = refusedAs("NotFound", /SecurityGroup default\/contract-\d+ does not exist; create it/);
    await assert.rejects(api.delete(ref), missing);
    await assert.rejects(api.applyStatus(ref, statusOf(0)), missing);
    await assert.rejects(api.finalize(ref, "test.example/one", true), missing);
    assert.equal(await api.get(ref), undefined);
  });

  test(say("an object with a finalizer is marked, and goes with its last one"), async () => {
    const api = await open();
    const { ref, group } = nextGroup();
    await api.apply(group({}));
    for (const finalizer of ["test.example/one", "test.example/two"]) await api.finalize(ref, finalizer, true);
    await api.delete(ref);
    const marked = await api.get(ref);
    assert.notEqual(marked?.metadata.deletionTimestamp, undefined);
    await api.delete(ref);
    await api.apply(group({ description: "still changed" }));
    assert.deepEqual((await api.finalize(ref, "test.example/one", false))?.metadata.finalizers, ["test.example/two"]);
    assert.equal(await api.finalize(ref, "test.example/two", false), undefined);
    assert.equal(await api.get(ref), undefined);
  });

  test(say("a finalizer that is there already is not written again, and apply keeps it"), async () => {
    const api = await open();
    const { ref, group } = nextGroup();
    await api.apply(group({}));
    const held = await api.finalize(ref, "test.example/one", true);
    assert.deepEqual(await api.finalize(ref, "test.example/one", true), held);
    const applied = await api.apply(group({ description: "b" }));
    assert.deepEqual(applied.metadata.finalizers, ["test.example/one"]);
    assert.equal((await api.finalize(ref, "test.example/one", false))?.metadata.finalizers ?? undefined, undefined);
    await api.delete(ref);
  });

  test(say("an object that comes again under its name has another uid"), async () => {
    const api = await open();
    const { ref, group } = nextGroup();
    const first = await api.apply(group({}));
    await api.delete(ref);
    assert.notEqual((await api.apply(group({}))).metadata.uid, first.metadata.uid);
  });

  test(say("a list has every object of the kind, in the order of namespaces and names"), async () => {
    const api = await open();
    const { group } = nextGroup();
    for (const suffix of ["b", "a"]) await api.apply(group({}, { name: `${group({}).metadata.name}-${suffix}` }));
    const { items, resourceVersion } = await api.list("SecurityGroup");
    const names = items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    assert.deepEqual(names, [...names].sort());
    assert.equal(names.filter((one) => one.includes(group({}).metadata.name)).length, 2);
    assert.match(resourceVersion, /^[1-9][0-9]*$/);
    for (const item of items)
      assert.deepEqual([item.kind, item.apiVersion], ["SecurityGroup", "sallyport.dev/v1alpha1"]);
  });
}
