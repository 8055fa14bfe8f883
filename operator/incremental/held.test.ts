import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../config.ts";
import type { ObjectRef } from "../ports.ts";
import { factsOf, readObjects, toSnapshot } from "../reconcile/gather.ts";
import { resolve } from "../resolve/resolve.ts";
import { Cluster, cidr, list, member, tcp } from "../test/cluster.ts";
import { nothingTouched, type Touched } from "./compiled-index.ts";
import { HeldResolution } from "./held.ts";
import type { Change, FactKind } from "./objects.ts";
import { overviewOf } from "./overview.ts";

const web = { web: "" };
const anybody = cidr("0.0.0.0/0");

/** Group `web` and a pod of it in two namespaces, which refer to nothing of each other. */
async function twoNamespaces(): Promise<Cluster> {
  const cluster = new Cluster();
  for (const [at, namespace] of ["default", "other"].entries()) {
    await cluster.group("web", { ingress: [tcp("80", member("web"))] }, { namespace });
    await cluster.pod("web", { namespace, labels: web, node: "n1", addresses: [`10.244.0.${at}`] });
  }
  return cluster;
}

async function hold(cluster: Cluster, settings: object = {}): Promise<HeldResolution> {
  await cluster.reconcile();
  return new HeldResolution(resolve(toSnapshot(await readObjects(cluster.api)), parseConfig(settings)));
}

/** The object as it is now. */
async function changeOf({ api }: Cluster, kind: FactKind, key: string): Promise<Change> {
  const [first = "", second] = key.split("/");
  const ref: ObjectRef = second === undefined ? { kind, name: first } : { kind, namespace: first, name: second };
  const stored = await api.get(ref);
  return { kind, key, after: stored && factsOf[kind](stored) } as Change;
}

/** What a change of one object touches, which must be told from a part: how many names of each kind. */
async function touches(held: HeldResolution, cluster: Cluster, kind: FactKind, key: string): Promise<Touched> {
  const touched = nothingTouched();
  assert.equal(held.take([await changeOf(cluster, kind, key)], touched), true);
  held.written();
  return touched;
}

const counts = (touched: Touched) =>
  Object.fromEntries(Object.entries(touched).map(([kind, { size }]) => [kind, size]));

test("a change is worked out in its own namespace alone", async () => {
  const cluster = await twoNamespaces();
  const held = await hold(cluster);
  const before = held.shares.get("other");
  const policy = held.compiled.nodePolicies.get("n1");
  await cluster.group("web", { ingress: [tcp("81", member("web"))] });
  const touched = await touches(held, cluster, "SecurityGroup", "default/web");
  assert.deepEqual(counts(touched), { RuleSet: 1, AddressSet: 1, NodePolicy: 0, NodeConfig: 0 });
  assert.equal(held.shares.get("other"), before);
  assert.equal(held.compiled.nodePolicies.get("n1"), policy);
  assert.deepEqual([...held.takeNews()].sort(), ["default", "other"], "all namespaces are news at first");
  await cluster.pod("web", { labels: web, node: "n1", addresses: ["10.244.0.9"] });
  assert.equal((await touches(held, cluster, "Pod", "default/web")).NodePolicy.size, 0);
  assert.deepEqual([...held.takeNews()], ["default"]);
});

test("a change that leaves everything as it is reaches nothing", async () => {
  const cluster = await twoNamespaces();
  const held = await hold(cluster);
  held.takeNews();
  await cluster.api.applyStatus(cluster.ref("SecurityGroup", "web"), { conditions: [] });
  for (const [kind, key] of [
    ["SecurityGroup", "default/web"],
    ["Pod", "default/web"],
    ["Pod", "default/none"],
  ] as const)
    assert.deepEqual(counts(await touches(held, cluster, kind, key)), {
      RuleSet: 0,
      AddressSet: 0,
      NodePolicy: 0,
      NodeConfig: 0,
    });
  assert.equal(held.takeNews().size, 0);
});

test("a namespace that is left with nothing is held no longer", async () => {
  const cluster = await twoNamespaces();
  const held = await hold(cluster);
  await cluster.remove("Pod", "web", "other");
  await touches(held, cluster, "Pod", "other/web");
  const { kind, key } = await changeOf(cluster, "SecurityGroup", "other/web");
  held.take([{ kind, key } as Change], nothingTouched());
  assert.deepEqual([...held.shares.keys()], ["default"]);
});

test("a prefix list's entries reach its set alone, its maximum the namespaces whose rules refer to it (S-16)", async () => {
  const cluster = await twoNamespaces();
  const put = (maxEntries: number) =>
    cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries, entries: [anybody] });
  await put(1);
  await cluster.group("web", { ingress: [tcp("80", list("l"))] }, { namespace: "other" });
  const held = await hold(cluster);
  const [own, other] = [held.shares.get("default"), held.shares.get("other")];
  await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 1 });
  assert.deepEqual(counts(await touches(held, cluster, "PrefixList", "l")), {
    RuleSet: 0,
    AddressSet: 1,
    NodePolicy: 0,
    NodeConfig: 0,
  });
  assert.equal(held.shares.get("other"), other);
  await put(2);
  await touches(held, cluster, "PrefixList", "l");
  assert.equal(held.shares.get("default"), own);
  assert.notEqual(held.shares.get("other"), other);
});

test("an address that a pod gives up is that of the pod of another namespace that claims it too", async () => {
  const cluster = await twoNamespaces();
  await cluster.pod("newer", { namespace: "other", labels: web, addresses: ["10.244.0.0"] });
  const held = await hold(cluster);
  const sets = (await cluster.api.list("AddressSet")).items.map(({ metadata }) => metadata.name);
  const members = () =>
    held
      .compiledOf({ ...nothingTouched(), AddressSet: new Set(sets) })
      .addressSets.map((set) => (set.kind === "members" ? `${set.groups}: ${set.cidrs}` : ""));
  assert.deepEqual(members(), ["other/web: 10.244.0.0/32,10.244.0.1/32"]);
  await cluster.remove("Pod", "newer", "other");
  for (const name of (await touches(held, cluster, "Pod", "other/newer")).AddressSet) sets.push(name);
  assert.deepEqual(members().sort(), ["default/web: 10.244.0.0/32", "other/web: 10.244.0.1/32"]);
});

test("a slice stands alone until a pod of another namespace has an address that it lists", async () => {
  const cluster = await twoNamespaces();
  const endpoints = [{ addresses: ["10.244.0.7"] }, { addresses: ["10.244.0.0"] }];
  await cluster.put("EndpointSlice", "s", {}, {}, { addressType: "IPv4", endpoints, ports: [] });
  const held = await hold(cluster);
  await touches(held, cluster, "EndpointSlice", "default/s");
  await cluster.pod("late", { namespace: "other", addresses: ["10.244.0.7"] });
  assert.equal(held.take([await changeOf(cluster, "Pod", "other/late")], nothingTouched()), false);
});

test("the rule set of the default group stays as long as one namespace uses it", async () => {
  const cluster = new Cluster({ defaultGroup: "default/web" });
  await cluster.group("web", { ingress: [tcp("80", anybody)] });
  for (const namespace of ["a", "b"]) await cluster.pod("p", { namespace });
  const held = await hold(cluster, { defaultGroup: "default/web" });
  const left = async (namespace: string): Promise<number> => {
    await cluster.remove("Pod", "p", namespace);
    const touched = await touches(held, cluster, "Pod", `${namespace}/p`);
    assert.equal(touched.RuleSet.size, 1);
    return held.compiledOf(touched).ruleSets.length;
  };
  assert.equal(await left("a"), 1);
  assert.equal(await left("b"), 0);
});

test("the overview has everything once, the default group too", async () => {
  const cluster = new Cluster({ defaultGroup: "default/web" });
  await cluster.group("web", {});
  for (const namespace of ["default", "other"]) {
    await cluster.pod("p", { namespace });
    await cluster.put("NetworkACL", "acl", {}, { namespace });
  }
  const { snapshot, groups, acls, decisions } = overviewOf(await hold(cluster, { defaultGroup: "default/web" }));
  assert.deepEqual(
    [...groups.values()].map(({ group }) => group.key),
    ["default/web"],
  );
  assert.deepEqual([[...acls.values()].length, [...decisions.values()].length, snapshot.groups.length], [2, 2, 1]);
});
