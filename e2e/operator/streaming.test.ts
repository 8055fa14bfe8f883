import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxiedCaches } from "./proxied-caches.ts";
import { eventually, World } from "./world.ts";

test("where the server has streaming lists, a cache is filled by a watch, and again after one that was cut", async () => {
  const world = await World.start({ etcd: "Streaming" });
  const caches = await ProxiedCaches.make(world);
  try {
    for (let index = 0; index < 20; index += 1) await world.group(`g-${index}`, { description: "some text" });
    const isStream = (_method: string, url: string) => url.includes("/securitygroups?") && url.includes("sendInitial");
    // Half of the initial list: nothing of it may be taken for the whole.
    caches.proxy.plan({ kind: "cut", bytes: 4000 }, isStream);
    await caches.start();
    assert.equal(caches.proxy.pending, 0);
    assert.ok(caches.restarts.includes("SecurityGroup broken"));
    assert.equal(caches.names().length, 20);
    const asked = caches.proxy.requests();
    assert.ok(!asked.some((line) => line.includes("/securitygroups?limit=")), "it was read in pages");
    await world.group("later", {});
    await eventually(() => assert.equal(caches.names().length, 21));
  } finally {
    await caches.stop();
    await world.stop();
  }
});
