import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { KubeClient } from "../kube/client.ts";
import type { KubeRequest, KubeResponse, Transport } from "../kube/ports.ts";
import { collectionPath } from "../kube/resources.ts";
import { type Kind, kinds } from "../ports.ts";
import { FakeTimers } from "../test/timers.ts";
import { Caches } from "./caches.ts";

const allKinds = Object.keys(kinds) as Kind[];

/** An API server that lists in pages alone, knows only the kinds that are installed, and then watches in silence. */
class ListingServer implements Transport {
  readonly installed: Set<Kind>;
  /** Watches that are open. */
  readonly watching = new Set<Kind>();

  constructor(installed: Iterable<Kind>) {
    this.installed = new Set(installed);
  }

  async send({ path, signal }: KubeRequest): Promise<KubeResponse> {
    const kind = allKinds.find((one) => path.startsWith(`${collectionPath(one)}?`));
    assert.ok(kind, path);
    if (!this.installed.has(kind)) return answer(404, {});
    if (path.includes("sendInitialEvents")) return answer(422, {});
    if (!path.includes("watch=true")) return answer(200, pageOf(kind));
    this.watching.add(kind);
    const body = new Readable({ read: () => undefined });
    signal?.addEventListener(
      "abort",
      () => {
        this.watching.delete(kind);
        body.destroy(new Error("aborted"));
      },
      { once: true },
    );
    return { status: 200, headers: {}, body };
  }
}

const answer = (status: number, body: object): KubeResponse => ({
  status,
  headers: {},
  body: Readable.from([Buffer.from(JSON.stringify(body))]),
});

const pageOf = (kind: Kind): object => {
  const place = { name: kind.toLowerCase(), ...(kinds[kind].namespaced ? { namespace: "default" } : {}) };
  return { metadata: { resourceVersion: "7" }, items: [{ metadata: { ...place, uid: kind, resourceVersion: "5" } }] };
};

function cachesOver(installed: Iterable<Kind>) {
  const timers = new FakeTimers();
  const server = new ListingServer(installed);
  const changed: Kind[] = [];
  const restarts: string[] = [];
  const caches = new Caches(({ kind }) => changed.push(kind));
  const start = () =>
    caches.start({
      client: new KubeClient(server),
      timers,
      chance: () => 0,
      observer: { restarted: (kind, reason) => void restarts.push(`${kind} ${reason}`) },
      options: {
        backoff: { first: 1000, most: 8000 },
        watchSeconds: 240,
        idle: 60_000,
        listIdle: 60_000,
        absentRetry: 5000,
      },
    });
  const synced = { done: false };
  const wait = () => void caches.whenSynced().then(() => Object.assign(synced, { done: true }));
  return { timers, server, changed, restarts, caches, start, synced, wait };
}

test("every kind has a cache of its own, which the API server's objects fill, each told as a change", async () => {
  const { timers, server, changed, caches, start, synced, wait } = cachesOver(allKinds);
  assert.equal(caches.synced, false, "nothing was read yet");
  start();
  wait();
  await timers.pass(0);
  assert.deepEqual([caches.synced, synced.done], [true, true]);
  assert.deepEqual([...changed].sort(), [...allKinds].sort());
  assert.deepEqual(
    caches.entries().map(([kind, cache]) => [kind, cache.items().map(({ metadata }) => metadata.uid)]),
    allKinds.map((kind) => [kind, [kind]]),
  );
  assert.deepEqual([...server.watching].sort(), [...allKinds].sort());
  await caches.stop();
  assert.equal(server.watching.size, 0, "no watch is left open");
});

test("the caches are whole without the kind of EKS, and take it up when it is installed", async () => {
  const eks: Kind = "SecurityGroupPolicy";
  const { timers, server, caches, start } = cachesOver(allKinds.filter((kind) => kind !== eks));
  start();
  await timers.pass(0);
  assert.equal(caches.synced, true);
  assert.equal(caches.of(eks).size, 0);
  server.installed.add(eks);
  await timers.pass(5000);
  assert.equal(caches.of(eks).size, 1);
  await caches.stop();
});

test("the caches are not whole as long as a kind of ours or of Kubernetes is missing", async () => {
  for (const missing of allKinds.filter((kind) => kind !== "SecurityGroupPolicy")) {
    const { timers, server, caches, start, restarts, synced, wait } = cachesOver(
      allKinds.filter((kind) => kind !== missing),
    );
    start();
    wait();
    await timers.pass(3000);
    assert.deepEqual([caches.synced, synced.done], [false, false], missing);
    assert.ok(restarts.includes(`${missing} refused`));
    server.installed.add(missing);
    await timers.pass(8000);
    assert.deepEqual([caches.synced, synced.done], [true, true], missing);
    await caches.stop();
  }
});
