import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../config.ts";
import { describeRef, type StoredObject } from "../ports.ts";
import { readObjects, toSnapshot } from "../reconcile/gather.ts";
import { resolve } from "../resolve/resolve.ts";
import { Cluster } from "../test/cluster.ts";
import { HeldResolution } from "./held.ts";
import { HeldStatuses } from "./statuses.ts";

const now = "2026-01-01T00:00:00Z";

/** Statuses of a cluster in which everything is told. */
async function settled(cluster: Cluster): Promise<HeldStatuses> {
  await cluster.reconcile();
  const statuses = new HeldStatuses(
    new HeldResolution(resolve(toSnapshot(await readObjects(cluster.api)), parseConfig({}))),
  );
  assert.deepEqual(await changed(cluster, statuses), []);
  return statuses;
}

const changed = async ({ api }: Cluster, statuses: HeldStatuses): Promise<readonly string[]> =>
  statuses.decide(await readObjects(api), now).map(({ ref }) => describeRef(ref));

test("a group that somebody wrote is looked at again, but not for the answer to our own write", async () => {
  const cluster = new Cluster();
  await cluster.group("web", {});
  const statuses = await settled(cluster);
  const write = (): Promise<StoredObject> =>
    cluster.api.applyStatus(cluster.ref("SecurityGroup", "web"), { conditions: [] });
  statuses.told(await write());
  assert.deepEqual(await changed(cluster, statuses), []);
  await cluster.group("web", { description: "changed, and not taken up yet" });
  assert.deepEqual(await changed(cluster, statuses), ["SecurityGroup default/web"]);
});

test("an object that is gone, or another of its name by now, is told of nothing", async () => {
  const cluster = new Cluster();
  await cluster.put("NetworkACL", "acl", {});
  const statuses = await settled(cluster);
  await cluster.remove("NetworkACL", "acl");
  assert.deepEqual(await changed(cluster, statuses), []);
  await cluster.put("NetworkACL", "acl", {});
  assert.deepEqual(await changed(cluster, statuses), []);
});
