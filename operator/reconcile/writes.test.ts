import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressSet } from "../../semantics/policy.ts";
import { type Kind, refOf } from "../ports.ts";
import { Cluster, cidr, list, member, tcp } from "../test/cluster.ts";

const compiled = ["NodeConfig", "AddressSet", "RuleSet", "NodePolicy"] as const satisfies readonly Kind[];

/** Three groups that refer to each other, an ACL, and pods enough for every set to be there. */
async function busyCluster(): Promise<Cluster> {
  const cluster = new Cluster();
  for (const name of ["web", "db", "ops"])
    await cluster.group(name, { ingress: [tcp("80", member("web"), member("db"), member("ops"))] });
  const rule = { number: 1, action: "allow", protocol: "all", cidr: "0.0.0.0/0" };
  await cluster.put("NetworkACL", "acl", { inbound: [rule], outbound: [rule] }, { namespace: "guarded" });
  for (const [index, name] of ["web", "db", "ops"].entries())
    await cluster.pod(name, { labels: { [name]: "" }, addresses: [`10.244.0.${index + 1}`] });
  await cluster.pod("both", { labels: { web: "", db: "" }, addresses: ["10.244.0.9"] });
  await cluster.reconcile();
  return cluster;
}

const inShort = (writes: Awaited<ReturnType<Cluster["writes"]>>): readonly string[] =>
  writes.map(({ verb, ref }) => `${verb} ${ref.kind}`);

test("nothing is written where nothing changed", async () => {
  const cluster = await busyCluster();
  const before = cluster.api.writes.length;
  await cluster.reconcile();
  assert.deepEqual(cluster.api.writes.slice(before), []);
});

test("a pod that comes is two writes, one that is relabelled three, one that goes two", async () => {
  const cluster = await busyCluster();
  const addresses = ["10.244.1.1", "fd00:244::1:1"];
  await cluster.pod("new", { labels: { web: "" }, addresses });
  assert.deepEqual(inShort(await cluster.writes(compiled)), ["update AddressSet", "update NodePolicy"]);
  await cluster.pod("new", { labels: { db: "" }, addresses });
  assert.deepEqual(inShort(await cluster.writes(compiled)), [
    "update AddressSet",
    "update AddressSet",
    "update NodePolicy",
  ]);
  await cluster.remove("Pod", "new");
  assert.deepEqual(inShort(await cluster.writes(compiled)), ["update AddressSet", "update NodePolicy"]);
});

test("a pod whose groups change is in the new address set before it leaves the old one", async () => {
  const cluster = await busyCluster();
  await cluster.pod("more", { labels: { web: "" }, addresses: ["10.244.1.1"] });
  await cluster.reconcile();
  await cluster.pod("more", { labels: { db: "" }, addresses: ["10.244.1.1"] });
  const [first] = await cluster.writes(["AddressSet"]);
  assert.ok(first);
  const spec = (await cluster.api.get(first.ref))?.spec as Extract<AddressSet, { kind: "members" }> | undefined;
  assert.ok(spec?.cidrs.some((cidr) => cidr === "10.244.1.1/32"));
});

test("a change of a rule is one write for each combination of groups, however many pods and nodes", async () => {
  const cluster = await busyCluster();
  for (let index = 0; index < 20; index += 1)
    await cluster.pod(`p${index}`, { labels: { ops: "" }, node: `n${index}`, addresses: [`10.244.2.${index}`] });
  await cluster.reconcile();
  await cluster.group("ops", { ingress: [tcp("81", member("web"), member("db"), member("ops"))] });
  assert.deepEqual(inShort(await cluster.writes(compiled)), ["update RuleSet"]);
  await cluster.group("web", { ingress: [tcp("82", member("web"), member("db"), member("ops"))] });
  assert.deepEqual(inShort(await cluster.writes(compiled)), ["update RuleSet", "update RuleSet"]);
});

test("a change of a prefix list is one write", async () => {
  const cluster = await busyCluster();
  const put = (...entries: readonly object[]) =>
    cluster.put("PrefixList", "offices", { addressFamily: "IPv4", maxEntries: 9, entries });
  await put(cidr("198.51.100.0/24"));
  await cluster.group("web", { ingress: [tcp("80", list("offices"), member("web"), member("db"), member("ops"))] });
  await cluster.reconcile();
  await put(cidr("198.51.100.0/24"), cidr("203.0.113.0/24"));
  assert.deepEqual(inShort(await cluster.writes(compiled)), ["update AddressSet"]);
});

test("what is referred to is written first and removed last", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", member("web"))] });
  await cluster.pod("web", { labels: { web: "" }, addresses: ["10.244.0.1"] });
  assert.deepEqual(inShort(await cluster.writes(compiled)), [
    "create NodeConfig",
    "create AddressSet",
    "create RuleSet",
    "create NodePolicy",
  ]);
  await cluster.remove("Pod", "web");
  assert.deepEqual(inShort(await cluster.writes(compiled)), [
    "delete NodePolicy",
    "delete RuleSet",
    "delete AddressSet",
  ]);
});

test("an object that somebody changed is put right", async () => {
  const cluster = await busyCluster();
  const [set] = (await cluster.api.list("AddressSet")).items;
  assert.ok(set);
  await cluster.api.apply({ ...set, metadata: { name: set.metadata.name, labels: { mine: "" } } });
  assert.deepEqual(inShort(await cluster.writes(compiled)), ["update AddressSet"]);
  assert.deepEqual((await cluster.api.get(refOf(set)))?.metadata.labels, set.metadata.labels);
});
