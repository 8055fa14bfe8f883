import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, cidr } from "../test/cluster.ts";

const app = { app: "web" };
const balancer = { name: "network-load-balancer", services: true };

/** A cluster with one pod behind one Service. */
async function served(type: string, paths: readonly object[], target: number | string = 8080, labels = {}) {
  const cluster = new Cluster();
  await cluster.put("TrackingPolicy", "default", { paths });
  const ports = [{ name: "http", containerPort: 8081 }];
  const pod = await cluster.pod("web", { labels: app, addresses: ["10.244.0.1"], ports });
  const service = {
    type,
    selector: app,
    ports: [
      { port: 80, targetPort: target },
      { port: 53, protocol: "UDP" },
    ],
  };
  await cluster.put("Service", "web", service, { labels });
  return { cluster, pod };
}

const tracked = async (cluster: Cluster): Promise<readonly string[]> =>
  ((await cluster.endpoint("web"))?.trackedPorts ?? []).map(({ protocol, port }) => `${protocol}/${port}`);

for (const [type, paths, ports] of [
  ["LoadBalancer", [balancer], ["6/8080", "17/53"]],
  ["NodePort", [balancer], ["6/8080", "17/53"]],
  ["ClusterIP", [balancer], []],
  ["LoadBalancer", [], []],
  ["LoadBalancer", [{ name: "nat-gateway", cidrs: ["198.51.100.0/24"] }], []],
] as const) {
  test(`ports of a pod behind a ${type} Service with ${paths.length} paths: ${ports.join(" ") || "none"} (S-60)`, async () => {
    const { cluster } = await served(type, paths);
    assert.deepEqual(await tracked(cluster), ports);
  });
}

test("a named target port is that of the pod's container (S-60)", async () => {
  const { cluster } = await served("LoadBalancer", [balancer], "http");
  assert.deepEqual(await tracked(cluster), ["6/8081", "17/53"]);
});

test("a Gateway's data-plane Service counts where gateways are on (S-60)", async () => {
  const labels = { "gateway.networking.k8s.io/gateway-name": "edge" };
  const on = await served("ClusterIP", [{ name: "global-accelerator", gateways: true }], 8080, labels);
  assert.deepEqual(await tracked(on.cluster), ["6/8080", "17/53"]);
  const off = await served("ClusterIP", [{ name: "global-accelerator" }], 8080, labels);
  assert.deepEqual(await tracked(off.cluster), []);
});

test("backends that EndpointSlices name by pod or by address count, also for a Service without selector (S-60)", async () => {
  const { cluster, pod } = await served("LoadBalancer", [balancer]);
  await cluster.put("Service", "manual", { type: "LoadBalancer", ports: [{ port: 443 }] });
  const slice = (name: string, port: number, endpoint: object) =>
    cluster.put(
      "EndpointSlice",
      name,
      {},
      { labels: { "kubernetes.io/service-name": "manual" } },
      { addressType: "IPv4", endpoints: [endpoint], ports: [{ port }] },
    );
  await slice("by-address", 8443, { addresses: ["10.244.0.1"] });
  await slice("by-pod", 8444, { addresses: ["10.244.9.9"], targetRef: { kind: "Pod", uid: pod.metadata.uid } });
  await slice("elsewhere", 8445, { addresses: ["10.244.9.9"] });
  assert.deepEqual(await tracked(cluster), ["6/8080", "6/8443", "6/8444", "17/53"]);
});

test("remote addresses of paths are the listed CIDRs and the entries of prefix lists (S-60)", async () => {
  const cluster = new Cluster();
  const entries = [cidr("203.0.113.0/24")];
  await cluster.put("PrefixList", "peers", { addressFamily: "IPv4", maxEntries: 5, entries });
  await cluster.put("TrackingPolicy", "default", {
    clusterCIDRs: ["10.244.0.0/16"],
    paths: [
      { name: "nat-gateway", outsideCluster: true },
      { name: "transit-gateway", cidrs: ["198.51.100.0/24"], prefixLists: ["peers", "missing"] },
    ],
  });
  const { compiled } = await cluster.reconcile();
  assert.deepEqual(compiled.config.tracking, {
    cidrs: ["198.51.100.0/24", "203.0.113.0/24"],
    outsideCluster: true,
    clusterCidrs: ["10.244.0.0/16"],
  });
});

test("an invalid policy keeps what is tracked by address, and tracks Services when in doubt (S-75)", async () => {
  const { cluster } = await served("LoadBalancer", [{ name: "lambda", cidrs: ["198.51.100.0/24"] }]);
  assert.deepEqual(await tracked(cluster), []);
  await cluster.put("TrackingPolicy", "default", { paths: [{ name: "lambda", cidrs: ["198.51.100.0/33"] }] });
  assert.deepEqual(await tracked(cluster), ["6/8080", "17/53"]);
  assert.deepEqual((await cluster.reconcile()).compiled.config.tracking.cidrs, ["198.51.100.0/24"]);
});

test("without a policy nothing is tracked automatically", async () => {
  const { cluster } = await served("LoadBalancer", [balancer]);
  await cluster.remove("TrackingPolicy", "default");
  assert.deepEqual(await tracked(cluster), []);
});
