import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { KubeClient } from "../kube/client.ts";
import type { KubeRequest, KubeResponse, Transport } from "../kube/ports.ts";
import { FakeTimers } from "../test/timers.ts";
import type { Happening } from "./decide.ts";
import { EventRecorder, usualRecorderOptions } from "./recorder.ts";

interface StoredEvent {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly note: string;
  readonly eventTime: string;
  readonly reportingInstance: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

/** Events as an API server keeps them, with the checks that it makes of `events.k8s.io/v1`. */
class EventStore implements Transport {
  readonly events = new Map<string, StoredEvent>();
  readonly asked: string[] = [];
  /** What the next requests are refused with. */
  readonly refusals: string[] = [];
  /** Until when answers are held back. */
  held: Promise<void> = Promise.resolve();

  async send({ method, path, body }: KubeRequest): Promise<KubeResponse> {
    await this.held;
    this.asked.push(method);
    const refused = this.refusals.shift();
    if (refused !== undefined) return answer(500, { reason: refused });
    const [, namespace = "", , name] = (path.split("?")[0] ?? "").match(/namespaces\/([^/]+)\/events(\/(.+))?$/) ?? [];
    return method === "POST"
      ? this.#create(namespace, body as StoredEvent)
      : this.#patch(`${namespace}/${name}`, body as Partial<StoredEvent>);
  }

  only(): StoredEvent {
    assert.equal(this.events.size, 1);
    return [...this.events.values()][0] as StoredEvent;
  }

  #create(namespace: string, event: StoredEvent): KubeResponse {
    const { name } = event.metadata;
    assert.equal(event.metadata.namespace, namespace);
    assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    assert.ok(name.length <= 253);
    assert.ok(Buffer.byteLength(event.note) <= 1024);
    assert.ok(Buffer.byteLength(event.reportingInstance) <= 128);
    if (this.events.has(`${namespace}/${name}`)) return answer(409, { reason: "AlreadyExists" });
    this.events.set(`${namespace}/${name}`, event);
    return answer(201, event);
  }

  #patch(key: string, change: Partial<StoredEvent>): KubeResponse {
    const found = this.events.get(key);
    if (found === undefined) return answer(404, { reason: "NotFound" });
    assert.ok((change.series?.count ?? 2) >= 2, "a series has at least two");
    const next = { ...found, ...change };
    this.events.set(key, next);
    return answer(200, next);
  }
}

const answer = (status: number, body: object): KubeResponse => ({
  status,
  headers: {},
  body: Readable.from([Buffer.from(JSON.stringify(body))]),
});

const stale = (change: Partial<Happening> = {}): Happening => ({
  ref: { kind: "SecurityGroup", namespace: "default", name: "web" },
  uid: "uid-web",
  type: "Warning",
  reason: "StaleReferences",
  action: "Resolve",
  note: "1 stale reference",
  ...change,
});

const minute = 60_000;

function recorderOver(store: EventStore, options = usualRecorderOptions) {
  const timers = new FakeTimers();
  const told = { errors: 0, dropped: 0 };
  const recorder = new EventRecorder({
    client: new KubeClient(store),
    timers,
    now: () => new Date(timers.elapsed()).toISOString().replace("Z", "000Z"),
    instance: "replica",
    options,
    onError: () => {
      told.errors += 1;
    },
    onDropped: () => {
      told.dropped += 1;
    },
  });
  return { recorder, timers, told };
}

test("the second time makes a series at once, what follows is told at intervals and when it is over", async () => {
  const store = new EventStore();
  const { recorder, timers } = recorderOver(store);
  recorder.record(stale());
  await timers.pass(minute);
  assert.equal(store.only().series, undefined);
  recorder.record(stale());
  await timers.pass(0);
  assert.equal(store.only().series?.count, 2);
  for (let minutes = 2; minutes < 35; minutes += 1) {
    recorder.record(stale());
    await timers.pass(minute);
  }
  assert.deepEqual(store.asked, ["POST", "PATCH", "PATCH"], "one write for the interval of half an hour");
  assert.ok((store.only().series?.count ?? 0) < 35);
  await timers.pass(6 * minute);
  assert.deepEqual(store.only().series, { count: 35, lastObservedTime: "1970-01-01T00:33:00.000000Z" });
  await timers.pass(60 * minute);
  assert.equal(store.asked.length, 4, "a series that is over is left alone");
});

test("a restart goes on with the event that is there, and so does what happens after a series was over", async () => {
  const store = new EventStore();
  for (const replica of [1, 2, 3]) {
    const { recorder, timers } = recorderOver(store);
    recorder.record(stale());
    await timers.pass(10 * minute);
    recorder.record(stale());
    await timers.pass(10 * minute);
    assert.equal(store.only().series?.count, 2 * replica);
  }
});

test("an event that the API server has dropped is made anew", async () => {
  const store = new EventStore();
  const { recorder, timers, told } = recorderOver(store);
  recorder.record(stale());
  await timers.pass(minute);
  store.events.clear();
  for (let more = 0; more < 3; more += 1) recorder.record(stale());
  await timers.pass(0);
  assert.equal(store.only().series?.count, 3);
  assert.equal(told.errors, 0);
});

test("one object has 25 events at once and one more every five minutes; others are not concerned", async () => {
  const store = new EventStore();
  const { recorder, timers, told } = recorderOver(store);
  for (let index = 0; index < 40; index += 1) recorder.record(stale({ note: `${index}` }));
  recorder.record(stale({ uid: "uid-db" }));
  await timers.pass(0);
  assert.equal(store.events.size, 26);
  assert.equal(told.dropped, 15);
  await timers.pass(5 * minute - 1);
  recorder.record(stale({ note: "early" }));
  await timers.pass(1);
  recorder.record(stale({ note: "in time" }));
  recorder.record(stale({ note: "too much" }));
  await timers.pass(0);
  assert.deepEqual([...store.events.values()].map(({ note }) => note).slice(26), ["in time"]);
});

test("an API server that does not answer holds nobody up, and what waits for it is bounded", async () => {
  const store = new EventStore();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.held = promise;
  const { recorder, timers, told } = recorderOver(store, { ...usualRecorderOptions, waiting: 10 });
  for (let index = 0; index < 50; index += 1) recorder.record(stale({ uid: `uid-${index}` }));
  await timers.pass(0);
  assert.equal(store.events.size, 0);
  assert.ok(told.dropped >= 39);
  resolve();
  await timers.pass(0);
  assert.equal(store.events.size + told.dropped, 50);
});

test("of too many series the one that was silent longest is over, with its count told", async () => {
  const store = new EventStore();
  const series = { ...usualRecorderOptions.series, most: 2 };
  const { recorder, timers } = recorderOver(store, { ...usualRecorderOptions, series });
  for (const uid of ["a", "b", "a", "a", "c", "d"]) {
    recorder.record(stale({ uid, note: uid }));
    await timers.pass(0);
  }
  const counts = [...store.events.values()].map(({ note, series }) => [note, series?.count]);
  assert.deepEqual(counts, [
    ["a", 3],
    ["b", undefined],
    ["c", undefined],
    ["d", undefined],
  ]);
});

test("what could not be written is tried again the next time it happens", async () => {
  const store = new EventStore();
  const { recorder, timers, told } = recorderOver(store);
  store.refusals.push("InternalError");
  recorder.record(stale());
  await timers.pass(0);
  assert.deepEqual([store.events.size, told.errors], [0, 1]);
  recorder.record(stale());
  await timers.pass(0);
  assert.equal(store.events.size, 1);
});

test("a replica that no longer leads says nothing more", async () => {
  const store = new EventStore();
  const { recorder, timers } = recorderOver(store);
  for (let more = 0; more < 5; more += 1) recorder.record(stale());
  await timers.pass(0);
  for (let more = 0; more < 5; more += 1) recorder.record(stale());
  for (const note of ["being written", "waiting"]) recorder.record(stale({ note }));
  recorder.forget();
  await timers.pass(60 * minute);
  assert.deepEqual(
    [...store.events.values()].map(({ note, series }) => [note, series?.count]),
    [
      ["1 stale reference", 5],
      ["being written", undefined],
    ],
  );
  recorder.record(stale());
  await timers.pass(0);
  assert.deepEqual(
    [...store.events.values()].map(({ series }) => series?.count),
    [6, undefined],
    "the next term goes on from what the API server has",
  );
});

test("names and notes are such as the API server takes", async () => {
  const store = new EventStore();
  const { recorder, timers, told } = recorderOver(store);
  const name = `${"a".repeat(199)}.${"b".repeat(53)}`;
  recorder.record(stale({ ref: { kind: "PrefixList", name }, note: "é".repeat(2000) }));
  await timers.pass(0);
  const { metadata, note } = store.only();
  assert.equal(metadata.namespace, "default");
  assert.match(note, /^é+\.\.\.$/u);
  assert.equal(told.errors, 0);
});
