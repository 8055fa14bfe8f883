import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultProxy } from "./fault-proxy.ts";
import { ProxiedCaches } from "./proxied-caches.ts";
import { eventually, World } from "./world.ts";

let world: World;
let caches: ProxiedCaches;
let proxy: FaultProxy;

before(async () => {
  world = await World.start();
  caches = await ProxiedCaches.make(world);
  ({ proxy } = caches);
  for (let index = 0; index < 3; index += 1) await world.group(`before-${index}`, {});
  await caches.start();
});

after(async () => {
  await caches.stop();
  await world.stop();
});

afterEach(() => assert.equal(proxy.pending, 0, "a planned fault did not happen: the test proves nothing"));

const isWatch = (_method: string, url: string): boolean =>
  url.includes("/securitygroups?") && url.includes("watch=true") && !url.includes("sendInitialEvents");
const isList = (_method: string, url: string): boolean => url.includes("/securitygroups?limit=");

/** Cuts the running watches, so that the next ones meet the planned fault, and sees that nothing is lost by it. */
async function survives(expected: string): Promise<void> {
  const { restarts } = caches;
  const before = restarts.length;
  proxy.cutAll();
  await caches.change();
  await caches.agrees();
  await caches.change();
  await caches.agrees();
  // The watch may have met the fault only after the cache agreed.
  await eventually(() =>
    assert.ok(restarts.slice(before).includes(`SecurityGroup ${expected}`), restarts.slice(before).join()),
  );
  await caches.change();
  await caches.agrees();
}

test("a cluster without streaming lists is read in pages", () => {
  assert.ok(caches.restarts.includes("SecurityGroup no-streaming"));
  assert.ok(proxy.requests().some((line) => line.includes("/pods?limit=500")));
});

test("a connection that is cut is taken up where it broke, without a list", async () => {
  const lists = proxy.requests().filter((line) => line.includes("/securitygroups?limit=")).length;
  await survives("broken");
  assert.equal(proxy.requests().filter((line) => line.includes("/securitygroups?limit=")).length, lists);
});

test("a stream that is cut in the middle of a line loses nothing", async () => {
  for (const bytes of [1, 100, 700, 1500]) {
    proxy.plan({ kind: "cut", bytes }, isWatch);
    await survives("broken");
  }
});

test("a half-open connection is given up after a time of silence", async () => {
  proxy.plan({ kind: "silence", bytes: 50 }, isWatch);
  await survives("broken");
});

test("a slow answer is waited for", async () => {
  proxy.plan({ kind: "delay", milliseconds: 500 }, isWatch);
  await survives("broken");
});

test("a watch from too long ago is a new list, as a status and as an ERROR event", async () => {
  proxy.plan({ kind: "status", status: 410 }, isWatch);
  await survives("expired");
  proxy.plan({ kind: "error-event", status: 410, reason: "Expired" }, isWatch);
  await survives("expired");
});

test("a list that is refused is tried again, and the cache serves what it had meanwhile", async () => {
  const before = caches.names();
  proxy.plan({ kind: "status", status: 410 }, isWatch);
  proxy.plan({ kind: "status", status: 500 }, isList, 3);
  proxy.cutAll();
  await eventually(() => assert.ok(proxy.pending < 3));
  assert.deepEqual(caches.names(), before);
  await caches.change();
  await caches.agrees();
});

test("a list that is cut in the middle of a page is read again", async () => {
  proxy.plan({ kind: "status", status: 410 }, isWatch);
  proxy.plan({ kind: "cut", bytes: 300 }, isList);
  await survives("expired");
});

test("a server that asks for time is asked again", async () => {
  proxy.plan({ kind: "status", status: 429, retryAfter: 1 }, isWatch);
  await survives("throttled");
});

test("the API server restarts: the cache serves what it had, and knows afterwards what changed", async () => {
  await world.plane.apiServer.stop();
  const before = caches.names();
  assert.ok(before.includes("changing"));
  await sleep(500);
  assert.deepEqual(caches.names(), before);
  await world.plane.ready();
  await caches.change();
  await caches.agrees();
});

test("etcd and the API server are killed and come again", async () => {
  await world.plane.etcd.kill();
  await world.plane.apiServer.kill();
  await world.plane.ready();
  await caches.change();
  await caches.agrees();
});

test("a page at a time: a list of more objects than a page has", async () => {
  for (let at = 0; at < 600; at += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => world.group(`many-${at + index}`, {})));
  proxy.plan({ kind: "status", status: 410 }, isWatch);
  proxy.cutAll();
  await eventually(() =>
    assert.ok(proxy.requests().some((line) => line.includes("/securitygroups?limit=500&continue="))),
  );
  await caches.agrees();
});
