import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressSet } from "../../semantics/policy.ts";
import { Cluster, member } from "../test/cluster.ts";

const app = { app: "" };
const port = { port: 80, targetPort: 8080 };

type ServiceSet = Extract<AddressSet, { kind: "service" }>;

/** A cluster whose rules refer to the groups db and web, with one pod in both and one in db, both of app. */
async function twoBackends(service: object = {}): Promise<Cluster> {
  const cluster = new Cluster();
  await cluster.group("web", { egress: [{ protocol: "tcp", ports: "8080", to: [member("db"), member("web")] }] });
  await cluster.group("db", {});
  await cluster.group("idle", {});
  const labels = { ...app, db: "", idle: "" };
  await cluster.pod("one", { labels: { ...labels, web: "" }, addresses: ["10.244.0.1"] });
  await cluster.pod("two", { labels, addresses: ["10.244.0.2"] });
  await cluster.put("Service", "app", {
    selector: app,
    clusterIPs: ["10.96.0.1", "fd00:96::1"],
    ports: [port],
    ...service,
  });
  return cluster;
}

async function serviceSets(cluster: Cluster): Promise<readonly Omit<ServiceSet, "name" | "kind">[]> {
  const { compiled } = await cluster.reconcile();
  const sets = compiled.addressSets.filter((set) => set.kind === "service");
  return sets.map(({ groups, addresses, ports }) => ({ groups, addresses, ports }));
}

test("a Service stands for the groups that all its backends are in and rules refer to, on the target port (S-9a)", async () => {
  assert.deepEqual(await serviceSets(await twoBackends()), [
    {
      groups: ["default/db"],
      addresses: ["10.96.0.1", "fd00:96::1"],
      ports: [{ protocol: 6, port: 80, targetPort: 8080 }],
    },
  ]);
});

test("a backend without the group ends it (S-9a)", async () => {
  const cluster = await twoBackends();
  await cluster.pod("three", { labels: app, addresses: ["10.244.0.3"] });
  assert.deepEqual(await serviceSets(cluster), []);
});

test("a backend on the host's network, or one that is no pod, ends it too (S-9a)", async () => {
  const host = await twoBackends();
  await host.pod("host", { labels: app, hostNetwork: true, addresses: ["10.0.0.1"] });
  assert.deepEqual(await serviceSets(host), []);
  const foreign = await twoBackends();
  const slice = { addressType: "IPv4", endpoints: [{ addresses: ["198.51.100.1"] }], ports: [{ port: 8080 }] };
  await foreign.put("EndpointSlice", "x", {}, { labels: { "kubernetes.io/service-name": "app" } }, slice);
  assert.deepEqual(await serviceSets(foreign), []);
});

for (const [what, service] of [
  ["a headless Service", { clusterIPs: ["None"] }],
  ["a Service that selects nobody", { selector: { app: "none" } }],
  ["a named port that no backend has", { ports: [{ port: 80, targetPort: "http" }] }],
  ["a port of SCTP", { ports: [{ ...port, protocol: "SCTP" }] }],
] as const) {
  test(`${what} stands for nothing (S-9a)`, async () => {
    assert.deepEqual(await serviceSets(await twoBackends(service)), []);
  });
}

test("a port on which backends differ stands for nothing, others do (S-9a)", async () => {
  const cluster = await twoBackends({
    ports: [
      { ...port, name: "a" },
      { name: "b", port: 81, targetPort: "http" },
    ],
  });
  const labels = { ...app, db: "" };
  for (const [name, containerPort, last] of [
    ["one", 1, 1],
    ["two", 2, 2],
  ] as const)
    await cluster.pod(name, { labels, addresses: [`10.244.0.${last}`], ports: [{ name: "http", containerPort }] });
  assert.deepEqual((await serviceSets(cluster))[0]?.ports, [{ protocol: 6, port: 80, targetPort: 8080 }]);
});
