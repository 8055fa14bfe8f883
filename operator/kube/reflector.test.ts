import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { FakeTimers } from "../test/timers.ts";
import { ObjectCache } from "./cache.ts";
import { KubeClient } from "./client.ts";
import type { KubeRequest, KubeResponse, Transport } from "./ports.ts";
import { Reflector } from "./reflector.ts";

const options = {
  backoff: { first: 1000, most: 8000 },
  watchSeconds: 240,
  idle: 60_000,
  listIdle: 20_000,
  absentRetry: 5000,
};

const group = (name: string, resourceVersion: string) => ({
  metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion, managedFields: [{ manager: "x" }] },
  spec: {},
});

const page = (resourceVersion: string, ...items: readonly object[]) => ({ metadata: { resourceVersion }, items });

/** An answer to one request: JSON, a refusal, or a stream that stays open until it is ended. */
type Scripted =
  | { readonly json: object }
  | { readonly status: number; readonly retryAfter?: number }
  | { readonly lines: readonly object[]; readonly ends?: true };

/** Answers requests in the order of a script, and keeps what was asked. */
class ScriptedTransport implements Transport {
  readonly asked: string[] = [];
  readonly #script: Scripted[];

  constructor(script: readonly Scripted[]) {
    this.#script = [...script];
  }

  async send({ path, signal }: KubeRequest): Promise<KubeResponse> {
    this.asked.push(path);
    const next = this.#script.shift() ?? { lines: [] };
    if ("json" in next)
      return { status: 200, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(next.json))]) };
    if ("status" in next) {
      const headers = next.retryAfter === undefined ? {} : { "retry-after": String(next.retryAfter) };
      return { status: next.status, headers, body: Readable.from([Buffer.from("{}")]) };
    }
    const body = new Readable({ read: () => undefined });
    for (const line of next.lines) body.push(Buffer.from(`${JSON.stringify(line)}\n`));
    if (next.ends) body.push(null);
    signal?.addEventListener("abort", () => body.destroy(new Error("aborted")), { once: true });
    return { status: 200, headers: {}, body };
  }
}

/** A reflector of groups over a script, whose first answer says that there are no streaming lists. */
const reflectorOver = (script: readonly Scripted[], optional = false) =>
  streamingReflectorOver([{ status: 422 }, ...script], optional);

/** The same over a server that has streaming lists. */
function streamingReflectorOver(script: readonly Scripted[], optional = false) {
  const timers = new FakeTimers();
  const transport = new ScriptedTransport(script);
  const cache = new ObjectCache("SecurityGroup", () => undefined);
  const restarts: string[] = [];
  const reflector = new Reflector("SecurityGroup", {
    client: new KubeClient(transport),
    cache,
    timers,
    chance: () => 0,
    observer: { restarted: (_kind, reason) => void restarts.push(reason) },
    options,
    optional,
  });
  reflector.start();
  const names = () => cache.items().map(({ metadata }) => metadata.name);
  return { timers, transport, cache, names, restarts, reflector };
}

const watchesOf = (asked: readonly string[]) => asked.filter((path) => path.includes("resourceVersion="));

test("pages are joined, and the watch begins where the list was, by bookmarks further on", async () => {
  const { timers, transport, names, reflector } = reflectorOver([
    { json: { metadata: { resourceVersion: "10", continue: "next" }, items: [group("a", "3")] } },
    { json: page("10", group("b", "4")) },
    { lines: [{ type: "BOOKMARK", object: { metadata: { resourceVersion: "25" } } }], ends: true },
  ]);
  await timers.pass(5000);
  assert.deepEqual(names(), ["a", "b"]);
  assert.match(transport.asked[2] ?? "", /limit=500&continue=next$/);
  const versions = watchesOf(transport.asked).map((path) =>
    new URLSearchParams(path.split("?")[1]).get("resourceVersion"),
  );
  assert.deepEqual(versions, ["10", "25"]);
  assert.match(watchesOf(transport.asked)[0] ?? "", /allowWatchBookmarks=true&timeoutSeconds=240/);
  await reflector.stop();
});

test("Retry-After is obeyed", async () => {
  const { timers, transport, restarts, reflector } = reflectorOver([
    { json: page("10") },
    { status: 429, retryAfter: 7 },
  ]);
  await timers.pass(6999);
  assert.deepEqual(restarts, ["no-streaming", "throttled"]);
  assert.equal(watchesOf(transport.asked).length, 1);
  await timers.pass(2);
  assert.equal(watchesOf(transport.asked).length, 2);
  await reflector.stop();
});

test("a server that refuses again and again is asked more and more seldom", async () => {
  const { timers, transport, reflector } = reflectorOver([{ json: page("1") }, ...Array(20).fill({ status: 500 })]);
  await timers.pass(60_000);
  const asked = watchesOf(transport.asked).length;
  assert.ok(asked > 10 && asked < 20, `${asked} times`);
  await reflector.stop();
});

test("watches that end at once are no busy loop", async () => {
  const ended: Scripted = { lines: [], ends: true };
  const { timers, transport, reflector } = reflectorOver([{ json: page("1") }, ...Array(50).fill(ended)]);
  await timers.pass(10_000);
  assert.ok(watchesOf(transport.asked).length < 10);
  await reflector.stop();
});

test("an expired version is a new list, and what went meanwhile is gone from the cache", async () => {
  const { timers, names, restarts, reflector } = reflectorOver([
    { json: page("10", group("a", "3"), group("b", "4")) },
    { lines: [{ type: "ERROR", object: { code: 410, reason: "Expired" } }] },
    { json: page("30", group("b", "4"), group("c", "20")) },
  ]);
  await timers.pass(499);
  assert.deepEqual(names(), ["a", "b"], "what was known is served until the list is there");
  await timers.pass(2000);
  assert.deepEqual(names(), ["b", "c"]);
  assert.deepEqual(restarts, ["no-streaming", "expired"]);
  await reflector.stop();
});

test("a kind that is not installed has no objects, counts as read, and is asked for again", async () => {
  const { timers, names, restarts, reflector } = reflectorOver(
    [{ status: 404 }, { json: page("9", group("a", "3")) }],
    true,
  );
  await timers.pass(100);
  assert.equal(reflector.synced, true);
  await timers.pass(5000);
  assert.deepEqual(names(), ["a"]);
  assert.deepEqual(restarts, ["no-streaming", "absent"]);
  await reflector.stop();
});

test("managed fields are not kept", async () => {
  const { timers, cache, reflector } = reflectorOver([{ json: page("10", group("a", "3")) }]);
  await timers.pass(0);
  assert.ok(!JSON.stringify(cache.items()).includes("manage"));
  await reflector.stop();
});

test("a streaming list that falls silent is begun anew, long before a watch would be", async () => {
  const added = (name: string) => ({ type: "ADDED", object: group(name, "3") });
  const annotations = { "k8s.io/initial-events-end": "true" };
  const end = { type: "BOOKMARK", object: { metadata: { resourceVersion: "10", annotations } } };
  const { timers, names, restarts, reflector } = streamingReflectorOver([
    { lines: [added("a")] },
    { lines: [added("a"), added("b"), end] },
  ]);
  await timers.pass(19_000);
  assert.deepEqual([names(), restarts, reflector.synced], [[], [], false]);
  await timers.pass(3000);
  assert.deepEqual([names(), restarts, reflector.synced], [["a", "b"], ["broken"], true]);
  await timers.pass(50_000);
  assert.deepEqual(restarts, ["broken"], "a watch may be silent for longer");
  await reflector.stop();
});
