import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../operator/config.ts";
import { MemoryApi } from "../../operator/memory/api.ts";
import { type ApiObject, kinds } from "../../operator/ports.ts";
import { reconcile } from "../../operator/reconcile/reconcile.ts";
import { SteppingClock } from "../../operator/test/cluster.ts";
import { storedObjects } from "./objects.ts";
import { storedPod } from "./pods.ts";
import { groupsPerNamespace, type Size, sizes } from "./size.ts";

const small: Size = { nodes: 12, pods: 240, namespaces: 4 };

const known = (objects: Iterable<{ readonly object: object }>): readonly ApiObject[] =>
  [...objects].map(({ object }) => object as ApiObject).filter(({ kind }) => kind in kinds);

test("the operator accepts every group, and every pod is in one of six combinations of its namespace's groups", async () => {
  const clock = new SteppingClock();
  const api = new MemoryApi(clock);
  for (const object of known(storedObjects(small))) {
    const { metadata } = await api.apply(object);
    const { kind, status } = object;
    if (kind === "Pod")
      await api.applyStatus({ kind, name: metadata.name, namespace: metadata.namespace ?? "" }, status);
  }
  const { compiled, groups, decisions } = await reconcile(api, parseConfig(), clock);
  assert.deepEqual(
    [...groups.values()].flatMap(({ refusal }) => refusal ?? []),
    [],
  );
  assert.equal(groups.size, small.namespaces * groupsPerNamespace);
  assert.equal(compiled.ruleSets.length, small.namespaces * 6);
  assert.equal(decisions.size, small.pods);
  assert.equal(compiled.nodePolicies.length, small.nodes);
  const tracked = compiled.nodePolicies.flatMap(({ endpoints }) => endpoints.filter((one) => one.trackedPorts.length));
  assert.equal(tracked.length, small.pods / 3);
  assert.deepEqual(
    new Set(compiled.addressSets.map(({ kind }) => kind)),
    new Set(["members", "service", "prefixList"]),
  );
});

test("no two objects have one key, one uid or one address", () => {
  const objects = [...storedObjects(small)];
  const values = (read: (object: ApiObject) => readonly unknown[]) =>
    objects.flatMap(({ object }) => read(object as ApiObject));
  const addresses = values(({ kind, status }) =>
    kind === "Pod" ? (status as { podIPs: readonly { ip: string }[] }).podIPs.map(({ ip }) => ip) : [],
  );
  assert.equal(addresses.length, small.pods * 2);
  for (const unique of [objects.map(({ key }) => key), values(({ metadata }) => [metadata.uid]), addresses])
    assert.equal(new Set(unique).size, unique.length);
});

test("a pod weighs about 3 KB, in the full cluster too", () => {
  const { length } = JSON.stringify(storedPod(sizes.full.pods - 1, sizes.full));
  assert.ok(length > 2500 && length < 3500, `${length} bytes`);
});
