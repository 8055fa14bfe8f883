import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Caches } from "../../operator/control/caches.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { usualReflectorOptions } from "../../operator/kube/reflector.ts";
import { systemTimers } from "../../operator/kube/timers.ts";
import { KubeTransport, loadKubeConfig } from "../../operator/kube/transport.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { eventually, World } from "./world.ts";

test("where the server has streaming lists, a cache is filled by a watch, and again after one that was cut", async () => {
  const world = await World.start({ etcd: "Streaming" });
  const proxy = await FaultProxy.start(world.operatorKubeconfig);
  const kubeconfig = proxy.writeKubeconfig(join(world.plane.folder, "users", "proxy.kubeconfig"));
  const transport = new KubeTransport(loadKubeConfig(kubeconfig), systemTimers);
  const caches = new Caches(() => undefined);
  const restarts: string[] = [];
  try {
    for (let index = 0; index < 20; index += 1) await world.group(`g-${index}`, { description: "some text" });
    const isStream = (_method: string, url: string) => url.includes("/securitygroups?") && url.includes("sendInitial");
    // Half of the initial list: nothing of it may be taken for the whole.
    proxy.plan({ kind: "cut", bytes: 4000 }, isStream);
    caches.start({
      client: new KubeClient(transport),
      timers: systemTimers,
      chance: Math.random,
      observer: { restarted: (kind, reason) => void restarts.push(`${kind} ${reason}`) },
      options: { ...usualReflectorOptions, backoff: { first: 20, most: 200 } },
    });
    await caches.whenSynced();
    assert.equal(proxy.pending, 0);
    assert.ok(restarts.includes("SecurityGroup broken"));
    assert.equal(caches.of("SecurityGroup").size, 20);
    assert.ok(!proxy.requests().some((line) => line.includes("/securitygroups?limit=")), "it was read in pages");
    await world.group("later", {});
    await eventually(() => assert.equal(caches.of("SecurityGroup").size, 21));
  } finally {
    await caches.stop();
    transport.close();
    await proxy.stop();
    await world.stop();
  }
});
