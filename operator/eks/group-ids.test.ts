import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, cidr, tcp } from "../test/cluster.ts";
import { policyHappenings } from "./group-ids.ts";

const id = "sg-0123456789abcdef0";
const annotations = { "sallyport.dev/ec2-group-id": id };

/** A cluster with the pod `web` and a policy that selects it, without a group that stands for the id. */
async function clusterWith(config: object, ...groupIds: readonly string[]): Promise<Cluster> {
  const cluster = new Cluster(config);
  await cluster.pod("web", { labels: { app: "web" } });
  await cluster.put("SecurityGroupPolicy", "eks", {
    podSelector: { matchLabels: { app: "web" } },
    securityGroups: { groupIds },
  });
  return cluster;
}

const byId = (cluster: Cluster, namespace = "default") =>
  cluster.group(
    "by-id",
    { podSelector: undefined, ingress: [tcp("80", cidr("0.0.0.0/0"))] },
    { annotations, namespace },
  );

/** What filters the pod `web`: its groups, `closed` or `unfiltered`. */
async function filterOf(cluster: Cluster): Promise<string> {
  const groups = (await cluster.ruleSet("web"))?.groups.join(", ");
  const closed = (await cluster.endpoint("web"))?.closed;
  return groups ?? (closed === undefined ? "unfiltered" : "closed");
}

const notes = async (cluster: Cluster): Promise<readonly string[]> =>
  policyHappenings((await cluster.reconcile()).snapshot).map(({ note }) => note);

test("a pod whose policy names only groups that do not exist is closed, and has the group once there is one (S-75)", async () => {
  const cluster = await clusterWith({}, id);
  assert.equal(await filterOf(cluster), "closed");
  assert.match((await cluster.endpoint("web"))?.closed ?? "", /SecurityGroupPolicy default\/eks: .* "sg-0123/);
  await byId(cluster, "elsewhere");
  assert.equal(await filterOf(cluster), "closed", "a group of another namespace is none");
  await byId(cluster);
  assert.equal(await filterOf(cluster), "default/by-id");
});

test("a pod that ran unfiltered is closed too when a policy selects it whose groups do not exist (S-75)", async () => {
  const cluster = await clusterWith({});
  assert.equal(await filterOf(cluster), "unfiltered");
  await cluster.put("SecurityGroupPolicy", "eks", { podSelector: {}, securityGroups: { groupIds: [id] } });
  assert.equal(await filterOf(cluster), "closed");
});

test("a pod that had its groups keeps their rules when the policy's ids become unknown (S-75)", async () => {
  const cluster = await clusterWith({}, id);
  await byId(cluster);
  assert.equal(await filterOf(cluster), "default/by-id");
  await cluster.group("by-id", { podSelector: undefined, ingress: [tcp("80", cidr("0.0.0.0/0"))] });
  assert.equal(await filterOf(cluster), "default/by-id");
  assert.equal((await notes(cluster)).length, 1);
});

test("groups that are there are attached; an id that is unknown adds nothing and is told of (S-1, S-12)", async () => {
  const cluster = await clusterWith({}, id, "undefined", "undefined", "");
  await cluster.group("no-id", {});
  await byId(cluster);
  assert.equal(await filterOf(cluster), "default/by-id");
  assert.match((await notes(cluster)).join(), /with the value "undefined", ""; annotate one, or remove the id$/);
});

test("a group that selects the pod itself is enough, the default group is not", async () => {
  const cluster = await clusterWith({ defaultGroup: "default/base" }, id);
  await cluster.group("base", {});
  assert.equal(await filterOf(cluster), "closed");
  await cluster.group("own", { podSelector: { matchLabels: { app: "web" } } });
  assert.equal(await filterOf(cluster), "default/own");
});

test("a policy that selects nobody, or names nothing, closes nothing", async () => {
  const cluster = await clusterWith({}, id);
  await cluster.put("SecurityGroupPolicy", "eks", { securityGroups: { groupIds: [id] } });
  assert.equal(await filterOf(cluster), "unfiltered");
  await cluster.put("SecurityGroupPolicy", "eks", { podSelector: {}, securityGroups: { groupIds: [] } });
  assert.equal(await filterOf(cluster), "unfiltered");
  assert.deepEqual(await notes(cluster), []);
});
