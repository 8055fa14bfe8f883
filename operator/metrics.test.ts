import assert from "node:assert/strict";
import { test } from "node:test";
import { Caches } from "./control/caches.ts";
import { Metrics } from "./metrics.ts";
import { Cluster, cidr, tcp } from "./test/cluster.ts";

/** Metrics, and what a scrape says of one of them: its samples by their labels. */
function metricsOver(controller = { depth: 0 }) {
  const caches = new Caches(() => undefined);
  const metrics = new Metrics(caches, controller);
  const samples = async (name: string): Promise<Readonly<Record<string, number>>> => {
    const lines = (await metrics.registry.metrics()).split("\n");
    const own = lines
      .map((line) => line.match(/^sallyport_operator_(\w+)(?:\{(.*)\})? (\S+)$/))
      .filter((found) => found);
    return Object.fromEntries(
      own.filter((found) => found?.[1] === name).map((found) => [found?.[2] ?? "", Number(found?.[3])]),
    );
  };
  return { caches, metrics, samples };
}

test("what happens is counted, each kind for itself", async () => {
  const { metrics, samples } = metricsOver();
  metrics.reflector("Pod", "expired", undefined);
  metrics.reflector("Pod", "expired", undefined);
  metrics.reflector("Service", "broken", undefined);
  metrics.written("AddressSet", "apply");
  metrics.written("AddressSet", "delete");
  metrics.eventFailed();
  metrics.eventDropped();
  metrics.eventDropped();
  assert.deepEqual(await samples("watch_restarts_total"), {
    'kind="Pod",reason="expired"': 2,
    'kind="Service",reason="broken"': 1,
  });
  assert.deepEqual(await samples("writes_total"), {
    'kind="AddressSet",verb="apply"': 1,
    'kind="AddressSet",verb="delete"': 1,
  });
  assert.deepEqual(await samples("event_errors_total"), { "": 1 });
  assert.deepEqual(await samples("events_dropped_total"), { "": 2 });
});

test("times come in milliseconds and are told in seconds", async () => {
  const { metrics, samples } = metricsOver();
  metrics.controller.taken(250);
  metrics.controller.reconciled("done", 1500);
  metrics.controller.reconciled("conflict", 500);
  metrics.controller.compiled(40);
  assert.deepEqual(await samples("queue_wait_seconds_sum"), { "": 0.25 });
  assert.deepEqual(await samples("reconcile_duration_seconds_sum"), { "": 2 });
  assert.deepEqual(await samples("change_to_compiled_seconds_sum"), { "": 0.04 });
  assert.deepEqual(await samples("reconciles_total"), { 'outcome="done"': 1, 'outcome="conflict"': 1 });
  const { 'le="0.01"': below, 'le="0.05"': above } = await samples("change_to_compiled_seconds_bucket");
  assert.deepEqual([below, above], [0, 1]);
});

test("gauges tell what is so when they are read", async () => {
  const controller = { depth: 3 };
  const { caches, metrics, samples } = metricsOver(controller);
  const cluster = new Cluster();
  caches.of("Pod").put(await cluster.pod("web"));
  metrics.leading(true);
  assert.deepEqual(await samples("queue_depth"), { "": 3 });
  assert.deepEqual(await samples("leading"), { "": 1 });
  assert.equal((await samples("cached_objects"))['kind="Pod"'], 1);
  assert.equal((await samples("cached_objects"))['kind="Service"'], 0);
  controller.depth = 0;
  metrics.leading(false);
  assert.deepEqual([await samples("queue_depth"), await samples("leading")], [{ "": 0 }, { "": 0 }]);
});

test("objects are counted by whether they are accepted, endpoints by what filters them (S-75)", async () => {
  const { metrics, samples } = metricsOver();
  const cluster = new Cluster();
  const told = async () => {
    metrics.controller.resolved(await cluster.reconcile());
    return { objects: await samples("user_objects"), endpoints: await samples("endpoints") };
  };
  const rule = (ports: string) => ({ ingress: [tcp(ports, cidr("0.0.0.0/0"))] });
  await cluster.group("web", rule("80"));
  await cluster.group("db", rule("70000"));
  await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 0 });
  await cluster.put("NetworkACL", "acl", {}, { namespace: "guarded" });
  await cluster.put("AllowanceProfile", "small", { podSelector: { matchLabels: { none: "" } } });
  await cluster.put("TrackingPolicy", "default", { paths: [{ name: "none" }] });
  await cluster.put("SecurityGroupPolicy", "eks", { podSelector: {}, securityGroups: { groupIds: ["sg-1"] } });
  await cluster.pod("web", { labels: { web: "" } });
  await cluster.pod("db", { labels: { db: "" } });
  await cluster.pod("free", { namespace: "other" });
  await cluster.pod("guarded", { namespace: "guarded" });
  assert.deepEqual(await told(), {
    objects: {
      'kind="SecurityGroup",state="accepted"': 1,
      'kind="SecurityGroup",state="refused"': 1,
      'kind="NetworkACL",state="accepted"': 1,
      'kind="PrefixList",state="refused"': 1,
      'kind="AllowanceProfile",state="accepted"': 1,
      'kind="TrackingPolicy",state="refused"': 1,
      'kind="SecurityGroupPolicy",state="refused"': 1,
    },
    endpoints: { 'state="filtered"': 2, 'state="unfiltered"': 1, 'state="kept"': 0, 'state="closed"': 1 },
  });
  await cluster.group("web", rule("70000"));
  await cluster.remove("SecurityGroupPolicy", "eks");
  const { objects, endpoints } = await told();
  assert.equal(objects['kind="SecurityGroup",state="accepted"'], undefined, "what is no more is not told");
  assert.equal(objects['kind="SecurityGroupPolicy",state="refused"'], undefined);
  assert.equal(endpoints['state="kept"'], 1);
});

test("every metric has our prefix and help", async () => {
  const { metrics } = metricsOver();
  for (const { name, help } of await metrics.registry.getMetricsAsJSON()) {
    assert.match(name, /^sallyport_operator_/);
    assert.ok(help.length > 0);
  }
});
