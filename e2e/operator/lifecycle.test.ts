import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { objectPath } from "../../operator/kube/resources.ts";
import type { Kind, StoredObject } from "../../operator/ports.ts";
import { allow, endpointOf, membersOf } from "./policy.ts";
import { OperatorProgram } from "./program.ts";
import { ClusterWorld, eventually, refTo } from "./world.ts";

let world: ClusterWorld;
let operator: OperatorProgram;

before(async () => {
  world = await ClusterWorld.open();
  operator = await OperatorProgram.start(world.operatorKubeconfig, [
    "--report-delay=200",
    "--default-group=default/fallback",
  ]);
  await world.group("web", { ingress: [allow(80, "web")] });
});

after(async () => {
  await operator.stop();
  await world.stop();
});

/** An object that must be there. */
async function there(kind: Kind, name: string): Promise<StoredObject> {
  const found = await world.get(kind, name);
  assert.ok(found, `${kind} ${name}`);
  return found;
}

/** Until an object that is made now is newer than this one: the API server tells the time by whole seconds. */
async function aSecondLater(kind: Kind, name: string): Promise<void> {
  const { creationTimestamp } = (await there(kind, name)).metadata;
  await eventually(() => assert.ok(Date.now() >= Date.parse(creationTimestamp) + 1000));
}

/** A pod of the group that runs at this address. */
async function running(name: string, address: string): Promise<void> {
  await world.pod(name, { labels: { web: "" } });
  await world.address(name, address);
  await eventually(async () => assert.ok((await membersOf(world, "web")).includes(`${address}/32`)));
}

test("a pod that terminates keeps its policy and its membership until it is gone", async () => {
  await running("terminating", "10.244.0.1");
  await world.ask("DELETE", objectPath(refTo("Pod", "terminating")), { gracePeriodSeconds: 600 });
  await running("witness", "10.244.0.2");
  assert.notEqual((await endpointOf(world, "terminating"))?.ruleSet, undefined);
  assert.ok((await membersOf(world, "web")).includes("10.244.0.1/32"));
  await world.remove("Pod", "terminating");
  await eventually(async () => {
    assert.equal(await endpointOf(world, "terminating"), undefined);
    assert.deepEqual(await membersOf(world, "web"), ["10.244.0.2/32"]);
  });
});

test("a finished pod is no member any more, and keeps its policy until its sandbox is gone", async () => {
  await running("job", "10.244.0.3");
  await world.patch(refTo("Pod", "job"), { status: { phase: "Succeeded" } }, "/status");
  await eventually(async () => assert.ok(!(await membersOf(world, "web")).includes("10.244.0.3/32")));
  assert.notEqual((await endpointOf(world, "job"))?.ruleSet, undefined);
  const conditions = [{ type: "PodReadyToStartContainers", status: "False" }];
  await world.patch(refTo("Pod", "job"), { status: { conditions } }, "/status");
  await eventually(async () => assert.equal(await endpointOf(world, "job"), undefined));
});

test("an address that is in use again is the newer pod's", async () => {
  await world.group("other", { ingress: [allow(80, "web", "other")] });
  await running("older", "10.244.0.4");
  await world.ask("DELETE", objectPath(refTo("Pod", "older")), { gracePeriodSeconds: 600 });
  await aSecondLater("Pod", "older");
  await world.pod("newer", { labels: { other: "" } });
  await world.address("newer", "10.244.0.4");
  await eventually(async () => {
    assert.deepEqual(await membersOf(world, "other"), ["10.244.0.4/32"]);
    assert.ok(!(await membersOf(world, "web")).includes("10.244.0.4/32"));
  });
});

test("a pod on the host's network is never an endpoint, and its group says so", async () => {
  await world.group("host", {});
  await world.pod("host", { labels: { host: "" }, hostNetwork: true });
  await world.address("host", "10.0.0.1");
  await eventually(async () =>
    assert.match(JSON.stringify((await world.get("SecurityGroup", "host"))?.status), /host's? ?network/i),
  );
  assert.equal(await endpointOf(world, "host"), undefined);
  assert.ok(!JSON.stringify(await world.list("AddressSet")).includes("10.0.0.1"));
});

test("a pod that no group selects has the cluster's default group", async () => {
  await world.group("fallback", { podSelector: { matchLabels: { nobody: "" } }, ingress: [allow(443, "web")] });
  await world.pod("plain");
  await world.address("plain", "10.244.0.5");
  const rules = async () => {
    const ruleSet = (await endpointOf(world, "plain"))?.ruleSet;
    return ruleSet === undefined ? "" : JSON.stringify((await world.get("RuleSet", ruleSet))?.spec);
  };
  await eventually(async () => assert.match(await rules(), /"default\/fallback"/));
  await world.relabel("plain", { web: "" });
  await eventually(async () => {
    assert.doesNotMatch(await rules(), /"default\/fallback"/);
    assert.match(await rules(), /"default\/web"/);
  });
});

test("rules that no pod has any more are removed", async () => {
  const ruleSet = (await endpointOf(world, "newer"))?.ruleSet ?? "";
  assert.notEqual(await world.get("RuleSet", ruleSet), undefined);
  await world.remove("Pod", "newer");
  await eventually(async () => assert.equal(await world.get("RuleSet", ruleSet), undefined));
});

interface Told {
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
}

async function accepted(name: string) {
  const { conditions } = (await there("NetworkACL", name)).status as Told;
  return conditions.find(({ type }) => type === "Accepted");
}

test("of two network ACLs of a namespace the older one is in force, and the other one takes over", async () => {
  const acl = (number: number) => ({ inbound: [{ number, action: "allow", protocol: "all", cidr: "0.0.0.0/0" }] });
  await world.put("NetworkACL", "first", acl(1));
  await eventually(async () => assert.equal((await accepted("first"))?.status, "True"));
  const inForce = await eventually(async () => {
    const name = (await endpointOf(world, "witness"))?.acl;
    assert.ok(name !== undefined);
    return name;
  });
  await aSecondLater("NetworkACL", "first");
  await world.put("NetworkACL", "second", acl(2));
  await eventually(async () => {
    assert.equal((await accepted("second"))?.status, "False");
    assert.match((await accepted("second"))?.message ?? "", /first/);
  });
  assert.equal((await endpointOf(world, "witness"))?.acl, inForce);
  await world.remove("NetworkACL", "first");
  await eventually(async () => {
    assert.equal((await accepted("second"))?.status, "True");
    assert.notEqual((await endpointOf(world, "witness"))?.acl, inForce);
  });
});

test("of the profiles that select a pod the one of the highest priority applies", async () => {
  const most = async () => (await endpointOf(world, "witness"))?.allowances.conntrackMax;
  await world.put("AllowanceProfile", "everybody", { priority: 1, conntrack: { max: 100 } });
  await eventually(async () => assert.equal(await most(), 100));
  const podSelector = { matchLabels: { web: "" } };
  await world.put("AllowanceProfile", "web", { priority: 2, podSelector, conntrack: { max: 200 } });
  await eventually(async () => assert.equal(await most(), 200));
  await world.remove("AllowanceProfile", "web");
  await eventually(async () => assert.equal(await most(), 100));
});

test("a Service stands for the groups of its backends, and its ports are tracked where a policy says so", async () => {
  await world.put("Service", "front", {
    type: "LoadBalancer",
    ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
  });
  const { uid } = (await there("Pod", "witness")).metadata;
  const targetRef = { kind: "Pod", namespace: "default", name: "witness", uid };
  await world.apply({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "front-1", namespace: "default", labels: { "kubernetes.io/service-name": "front" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: ["10.244.0.2"], targetRef }],
  });
  const { clusterIP } = (await there("Service", "front")).spec as { readonly clusterIP: string };
  const sets = async () => JSON.stringify((await world.list("AddressSet")).map(({ spec }) => spec));
  await eventually(async () => {
    const found = await sets();
    assert.ok(found.includes('"kind":"service"') && found.includes(clusterIP), found);
  });
  await world.put("TrackingPolicy", "default", { paths: [{ name: "network-load-balancer", services: true }] });
  await eventually(async () =>
    assert.deepEqual((await endpointOf(world, "witness"))?.trackedPorts, [{ protocol: 6, port: 8080 }]),
  );
  await world.remove("EndpointSlice", "front-1");
  await eventually(async () => {
    assert.ok(!(await sets()).includes(clusterIP));
    assert.deepEqual((await endpointOf(world, "witness"))?.trackedPorts, []);
  });
});
