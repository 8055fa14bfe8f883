import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Caches } from "../../operator/control/caches.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { usualReflectorOptions } from "../../operator/kube/reflector.ts";
import { systemTimers } from "../../operator/kube/timers.ts";
import { KubeTransport, loadKubeConfig } from "../../operator/kube/transport.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { eventually, World } from "./world.ts";

/** Restarts as `Kind reason`. */
type Restarts = readonly string[];

let world: World;
let proxy: FaultProxy;
let caches: Caches;
let transport: KubeTransport;
const restarts: string[] = [];

before(async () => {
  world = await World.start();
  proxy = await FaultProxy.start(world.operatorKubeconfig);
  const kubeconfig = proxy.writeKubeconfig(join(world.plane.folder, "users", "proxy.kubeconfig"));
  transport = new KubeTransport(loadKubeConfig(kubeconfig), systemTimers);
  caches = new Caches(() => undefined);
  for (let index = 0; index < 3; index += 1) await world.group(`before-${index}`, {});
  caches.start({
    client: new KubeClient(transport),
    timers: systemTimers,
    chance: Math.random,
    observer: { restarted: (kind, reason) => void restarts.push(`${kind} ${reason}`) },
    options: { ...usualReflectorOptions, backoff: { first: 20, most: 200 }, idle: 3000, absentRetry: 200 },
  });
  await caches.whenSynced();
});

after(async () => {
  await caches.stop();
  transport.close();
  await proxy.stop();
  await world.stop();
});

afterEach(() => assert.equal(proxy.pending, 0, "a planned fault did not happen: the test proves nothing"));

const isWatch = (_method: string, url: string): boolean =>
  url.includes("/securitygroups?") && url.includes("watch=true") && !url.includes("sendInitialEvents");
const isList = (_method: string, url: string): boolean => url.includes("/securitygroups?limit=");

const names = (): readonly string[] =>
  caches
    .of("SecurityGroup")
    .items()
    .map(({ metadata }) => metadata.name);

/** The cache holds exactly what the API server has. */
async function agrees(): Promise<void> {
  await eventually(async () => {
    const there = (await world.list("SecurityGroup")).map(({ metadata: { name, resourceVersion } }) => [
      name,
      resourceVersion,
    ]);
    const cached = caches.of("SecurityGroup").items();
    assert.deepEqual(
      cached.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]),
      there,
    );
  });
}

let changes = 0;

/** Changes a group, adds one and removes one, so that the next watch has something to miss. */
async function change(): Promise<void> {
  changes += 1;
  await world.group("changing", { description: `change ${changes}` });
  await world.group(`new-${changes}`, {});
  if (changes > 1) await world.remove("SecurityGroup", `new-${changes - 1}`);
}

/** Cuts the running watches, so that the next ones meet the planned fault, and sees that nothing is lost by it. */
async function survives(expected: string): Promise<Restarts> {
  const before = restarts.length;
  proxy.cutAll();
  await change();
  await agrees();
  await change();
  await agrees();
  // The watch may have met the fault only after the cache agreed.
  await eventually(() =>
    assert.ok(restarts.slice(before).includes(`SecurityGroup ${expected}`), restarts.slice(before).join()),
  );
  await change();
  await agrees();
  return restarts.slice(before);
}

test("a cluster without streaming lists is read in pages", () => {
  assert.ok(restarts.includes("SecurityGroup no-streaming"));
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
  const before = names();
  proxy.plan({ kind: "status", status: 410 }, isWatch);
  proxy.plan({ kind: "status", status: 500 }, isList, 3);
  proxy.cutAll();
  await eventually(() => assert.ok(proxy.pending < 3));
  assert.deepEqual(names(), before);
  await change();
  await agrees();
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

test("the API server restarts: what changed meanwhile is known afterwards", async () => {
  await world.plane.apiServer.stop();
  const before = names();
  await sleep(500);
  assert.deepEqual(names(), before);
  world.plane.apiServer.start();
  await world.plane.ready();
  await change();
  await agrees();
});

test("etcd and the API server are killed and come again", async () => {
  await world.plane.etcd.kill();
  await world.plane.apiServer.kill();
  await world.plane.ready();
  await change();
  await agrees();
});

test("a page at a time: a list of more objects than a page has", async () => {
  for (let at = 0; at < 600; at += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => world.group(`many-${at + index}`, {})));
  proxy.plan({ kind: "status", status: 410 }, isWatch);
  proxy.cutAll();
  await eventually(() =>
    assert.ok(proxy.requests().some((line) => line.includes("/securitygroups?limit=500&continue="))),
  );
  await agrees();
});
