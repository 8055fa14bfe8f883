import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition } from "../status/condition.ts";
import { Cluster, cidr, list, member, tcp } from "../test/cluster.ts";

const force = { "sallyport.dev/force-delete": "true" };

interface Told {
  readonly conditions: readonly Condition[];
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

/** Who holds the object's deletion, as its status says; undefined if it is gone. */
async function heldBy(cluster: Cluster, kind: "SecurityGroup" | "PrefixList", name: string) {
  await cluster.reconcile();
  if ((await cluster.api.get(cluster.ref(kind, name))) === undefined) return undefined;
  const { warnings } = await cluster.status<Told>(kind, name);
  return warnings.find(({ reason }) => reason === "DeletionHeld")?.message;
}

test("a group that is attached stays in force until no pod has it (S-19)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", member("web"))] });
  await cluster.pod("web", { labels: { web: "" } });
  await cluster.reconcile();
  await cluster.remove("SecurityGroup", "web");
  assert.match((await heldBy(cluster, "SecurityGroup", "web")) ?? "", /waits for Pod default\/web;/);
  assert.deepEqual((await cluster.ruleSet("web"))?.groups, ["default/web"]);
  await cluster.pod("web", { labels: {} });
  assert.equal(await heldBy(cluster, "SecurityGroup", "web"), undefined);
  assert.equal(await cluster.ruleSet("web"), undefined);
});

test("a group whose deletion is held may still be changed (S-19)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", cidr("0.0.0.0/0"))], egress: [] });
  await cluster.pod("web", { labels: { web: "" } });
  await cluster.reconcile();
  await cluster.remove("SecurityGroup", "web");
  await cluster.group("web", { ingress: [tcp("81", cidr("0.0.0.0/0"))], egress: [] });
  assert.deepEqual(
    (await cluster.ruleSet("web"))?.rules.map(({ service }) => service.ports?.from),
    [81],
  );
});

test("a group that another one refers to is held; a reference to itself holds nothing (S-19)", async () => {
  const cluster = new Cluster();
  await cluster.group("db", { ingress: [tcp("5432", member("web"), member("db"))] });
  await cluster.group("web", { ingress: [tcp("80", member("web"))] });
  await cluster.reconcile();
  for (const name of ["db", "web"]) await cluster.remove("SecurityGroup", name);
  assert.equal(await heldBy(cluster, "SecurityGroup", "db"), undefined);
  assert.equal(await heldBy(cluster, "SecurityGroup", "web"), undefined, "nothing that stays refers to it");
});

test("the group that stays holds the one that it refers to (S-19)", async () => {
  const cluster = new Cluster();
  await cluster.group("db", { ingress: [tcp("5432", member("web"))] });
  await cluster.group("web", {});
  await cluster.reconcile();
  await cluster.remove("SecurityGroup", "web");
  assert.match((await heldBy(cluster, "SecurityGroup", "web")) ?? "", /waits for SecurityGroup default\/db/);
  await cluster.group("db", { ingress: [] });
  assert.equal(await heldBy(cluster, "SecurityGroup", "web"), undefined);
});

test("groups that refer to each other go together, unless one of them is attached (S-19)", async () => {
  const cluster = new Cluster();
  await cluster.group("a", { ingress: [tcp("1", member("b"))] });
  await cluster.group("b", { ingress: [tcp("1", member("a"))] });
  await cluster.pod("a", { labels: { a: "" } });
  await cluster.reconcile();
  for (const name of ["a", "b"]) await cluster.remove("SecurityGroup", name);
  assert.match((await heldBy(cluster, "SecurityGroup", "b")) ?? "", /SecurityGroup default\/a/);
  await cluster.remove("Pod", "a");
  assert.equal(await heldBy(cluster, "SecurityGroup", "a"), undefined);
  assert.equal(await heldBy(cluster, "SecurityGroup", "b"), undefined);
});

test("a prefix list is held by rules and by tracking paths (S-19)", async () => {
  const cluster = new Cluster();
  await cluster.put("PrefixList", "peers", { addressFamily: "IPv4", maxEntries: 5, entries: [cidr("203.0.113.0/24")] });
  await cluster.put("TrackingPolicy", "default", { paths: [{ name: "lambda", prefixLists: ["peers"] }] });
  await cluster.group("web", { ingress: [tcp("80", list("peers"))] });
  await cluster.reconcile();
  await cluster.remove("PrefixList", "peers");
  const message = await heldBy(cluster, "PrefixList", "peers");
  assert.match(message ?? "", /waits for SecurityGroup default\/web, TrackingPolicy default/);
  await cluster.group("web", {});
  assert.match((await heldBy(cluster, "PrefixList", "peers")) ?? "", /waits for TrackingPolicy default/);
  await cluster.remove("TrackingPolicy", "default");
  assert.equal(await heldBy(cluster, "PrefixList", "peers"), undefined);
});

test("the annotation releases a group; rules that refer to it are stale then, its pods without it (S-19, S-12)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", {});
  await cluster.group("db", { ingress: [tcp("5432", member("web"))] });
  await cluster.pod("web", { labels: { web: "" }, addresses: ["10.244.0.1"] });
  await cluster.reconcile();
  await cluster.remove("SecurityGroup", "web");
  await cluster.group("web", {}, { annotations: force });
  assert.equal(await heldBy(cluster, "SecurityGroup", "web"), undefined);
  assert.equal(await cluster.ruleSet("web"), undefined);
  const { conditions } = await cluster.status<Told>("SecurityGroup", "db");
  const resolved = conditions.find(({ type }) => type === "Resolved");
  assert.equal(resolved?.status, "False");
  assert.match(resolved?.message ?? "", /SecurityGroup default\/web does not exist/);
});

test("the annotation with the value false releases nothing (S-19)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", {}, { annotations: { "sallyport.dev/force-delete": "false" } });
  await cluster.pod("web", { labels: { web: "" } });
  await cluster.reconcile();
  await cluster.remove("SecurityGroup", "web");
  assert.match((await heldBy(cluster, "SecurityGroup", "web")) ?? "", /waits for/);
});

test("an invalid group keeps holding what its last good rules refer to (S-19, S-75)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", {});
  await cluster.group("db", { ingress: [tcp("5432", member("web"))] });
  await cluster.pod("db", { labels: { db: "" } });
  await cluster.reconcile();
  await cluster.group("db", { ingress: [tcp("70000", member("web"))] });
  await cluster.remove("SecurityGroup", "web");
  assert.match((await heldBy(cluster, "SecurityGroup", "web")) ?? "", /SecurityGroup default\/db/);
});
