import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, member, tcp } from "../test/cluster.ts";

const web = { web: "" };

async function webCluster(config: object = {}): Promise<Cluster> {
  const cluster = new Cluster(config);
  await cluster.group("web", { ingress: [tcp("80", member("web"))] });
  return cluster;
}

const addresses = async (cluster: Cluster): Promise<readonly string[]> =>
  (await cluster.reconcile()).compiled.addressSets.flatMap((set) => (set.kind === "members" ? set.cidrs : []));

test("pods on the host's network are never endpoints nor members", async () => {
  const cluster = await webCluster();
  await cluster.pod("host", { labels: web, hostNetwork: true, addresses: ["10.0.0.1"] });
  assert.equal(await cluster.endpoint("host"), undefined);
  assert.deepEqual(await addresses(cluster), []);
});

test("a pod without a node is no endpoint yet; its policy is known before it has an address", async () => {
  const cluster = await webCluster();
  await cluster.pod("web", { labels: web, node: null });
  assert.equal(await cluster.endpoint("web"), undefined);
  await cluster.pod("web", { labels: web });
  assert.deepEqual((await cluster.ruleSet("web"))?.groups, ["default/web"]);
  assert.deepEqual(await addresses(cluster), []);
});

test("a finished pod keeps its policy until its sandbox is gone, and lends its addresses to nobody", async () => {
  const cluster = await webCluster();
  const pod = { labels: web, addresses: ["10.244.0.1"] };
  await cluster.pod("job", { ...pod, phase: "Succeeded" });
  assert.notEqual((await cluster.endpoint("job"))?.ruleSet, undefined);
  assert.deepEqual(await addresses(cluster), []);
  const conditions = [{ type: "PodReadyToStartContainers", status: "False" }];
  await cluster.pod("job", { ...pod, phase: "Failed", conditions });
  assert.equal(await cluster.endpoint("job"), undefined);
});

test("a terminating pod keeps policy and membership while it is there", async () => {
  const cluster = await webCluster();
  const stored = await cluster.pod("web", { labels: web, addresses: ["10.244.0.1"] });
  await cluster.api.finalize(cluster.ref("Pod", "web"), "example.com/drain", true);
  await cluster.remove("Pod", "web");
  assert.equal((await cluster.endpoint("web"))?.pod.uid, stored.metadata.uid);
  assert.deepEqual(await addresses(cluster), ["10.244.0.1/32"]);
  await cluster.api.finalize(cluster.ref("Pod", "web"), "example.com/drain", false);
  assert.equal(await cluster.endpoint("web"), undefined);
});

test("an address that two pods claim is the newer one's", async () => {
  const cluster = await webCluster();
  await cluster.pod("old", { labels: web, addresses: ["10.244.0.1"] });
  assert.deepEqual(await addresses(cluster), ["10.244.0.1/32"]);
  await cluster.pod("new", { addresses: ["10.244.0.1"] });
  assert.deepEqual(await addresses(cluster), []);
});

test("the pod's identity is its uid: one that comes again under its name is another endpoint", async () => {
  const cluster = await webCluster();
  await cluster.pod("web", { labels: web });
  const before = await cluster.endpoint("web");
  await cluster.remove("Pod", "web");
  await cluster.pod("web", { labels: web });
  assert.notEqual((await cluster.endpoint("web"))?.pod.uid, before?.pod.uid);
});

test("each node has its endpoints alone, in the order of their names", async () => {
  const cluster = await webCluster();
  for (const [name, node] of [
    ["b", "n1"],
    ["a", "n1"],
    ["c", "n2"],
  ] as const)
    await cluster.pod(name, { node });
  const { compiled } = await cluster.reconcile();
  assert.deepEqual(
    compiled.nodePolicies.map(({ node, endpoints }) => [node, endpoints.map(({ pod }) => pod.name)]),
    [
      ["n1", ["a", "b"]],
      ["n2", ["c"]],
    ],
  );
});

test("the profile with the highest priority applies, of equals the first by name; others get the default (S-70)", async () => {
  const cluster = await webCluster({ conntrackMax: 7 });
  await cluster.put("Namespace", "tenants", {}, { labels: { tier: "low" } });
  const profile = async (name: string, priority: number, max: number, selectors: object) =>
    cluster.put("AllowanceProfile", name, { priority, conntrack: { max }, ...selectors });
  const podSelector = { matchLabels: web };
  await profile("b", 5, 20, { podSelector });
  await profile("a", 5, 10, { podSelector });
  await profile("low", 1, 30, { podSelector });
  await profile("tenants", 9, 40, { namespaceSelector: { matchLabels: { tier: "low" } } });
  await cluster.put("AllowanceProfile", "broken", { priority: 99, conntrack: { max: -1 } });
  const max = async (name: string, namespace?: string) =>
    (await cluster.endpoint(name, namespace))?.allowances.conntrackMax;
  await cluster.pod("web", { labels: web });
  await cluster.pod("plain");
  await cluster.pod("tenant", { namespace: "tenants", labels: web });
  assert.equal(await max("web"), 10);
  assert.equal(await max("plain"), 7);
  assert.equal(await max("tenant", "tenants"), 40);
});

test("an empty selector selects all, an absent one is no condition", async () => {
  const cluster = await webCluster();
  await cluster.put("AllowanceProfile", "all", { podSelector: {}, packets: { perSecond: 10 } });
  await cluster.pod("plain");
  assert.deepEqual((await cluster.endpoint("plain"))?.allowances.packets, { perSecond: 10, burst: 10 });
});
