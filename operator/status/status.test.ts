import assert from "node:assert/strict";
import { test } from "node:test";
import type { UserKind } from "../ports.ts";
import { Cluster, cidr, list, member, tcp } from "../test/cluster.ts";
import type { AllowanceProfileStatus } from "./allowance-profile.ts";
import type { Condition, ConditionType } from "./condition.ts";
import type { NetworkAclStatus } from "./network-acl.ts";
import type { PrefixListStatus } from "./prefix-list.ts";
import type { SecurityGroupStatus } from "./security-group.ts";
import type { TrackingPolicyStatus } from "./tracking-policy.ts";

const anybody = cidr("0.0.0.0/0");

const groupStatus = async (cluster: Cluster, name: string): Promise<SecurityGroupStatus> => {
  await cluster.reconcile();
  return cluster.status<SecurityGroupStatus>("SecurityGroup", name);
};

async function condition(cluster: Cluster, kind: UserKind, name: string, type: ConditionType): Promise<Condition> {
  await cluster.reconcile();
  const { conditions } = await cluster.status<{ conditions: readonly Condition[] }>(kind, name);
  const found = conditions.find((one) => one.type === type);
  assert.ok(found, `${kind} ${name} has no condition ${type}`);
  return found;
}

/** `True Accepted`. */
const inShort = ({ status, reason }: Condition): string => `${status} ${reason}`;

test("a status is written once and then left alone until something changes", async () => {
  const cluster = new Cluster();
  await cluster.group("web", {});
  await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 1 });
  await cluster.put("NetworkACL", "acl", {});
  await cluster.put("AllowanceProfile", "small", {});
  await cluster.put("TrackingPolicy", "default", {});
  const kinds = ["SecurityGroup", "PrefixList", "NetworkACL", "AllowanceProfile", "TrackingPolicy"] as const;
  const verbs = async () => (await cluster.writes(kinds)).filter(({ verb }) => verb === "status").length;
  assert.equal(await verbs(), 5);
  assert.equal(await verbs(), 0);
  await cluster.pod("web", { labels: { web: "" } });
  assert.equal(await verbs(), 4, "the group, the ACL and the profile count a pod more, the policy a node more");
});

test("a condition keeps its time while its status stays, and carries the generation that it is about", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", anybody)] });
  const first = await condition(cluster, "SecurityGroup", "web", "Accepted");
  assert.equal(first.observedGeneration, 1);
  await cluster.group("web", { ingress: [tcp("81", anybody)] });
  const second = await condition(cluster, "SecurityGroup", "web", "Accepted");
  assert.equal(second.observedGeneration, 2);
  assert.equal(second.lastTransitionTime, first.lastTransitionTime);
  await cluster.group("web", { ingress: [tcp("70000", anybody)] });
  const third = await condition(cluster, "SecurityGroup", "web", "Accepted");
  assert.equal(inShort(third), "False Invalid");
  assert.match(third.message, /spec\.ingress\[0\]\.ports: /);
  assert.ok(third.lastTransitionTime > first.lastTransitionTime);
});

test("Programmed follows the agents' reports", async () => {
  const cluster = new Cluster();
  const programmed = () => condition(cluster, "SecurityGroup", "web", "Programmed");
  await cluster.group("web", { ingress: [tcp("80", anybody)] });
  assert.equal(inShort(await programmed()), "True NoEndpoints");
  await cluster.pod("a", { labels: { web: "" } });
  await cluster.pod("b", { labels: { web: "" } });
  assert.equal(inShort(await programmed()), "Unknown NoReport");
  await cluster.report("n1", { b: "no interface" });
  assert.equal(inShort(await programmed()), "False Pending");
  assert.match((await programmed()).message, /1 of 2 endpoints wait: no interface/);
  assert.equal((await groupStatus(cluster, "web")).programmed, 1);
  await cluster.report("n1");
  assert.equal(inShort(await programmed()), "True Programmed");
  assert.deepEqual(
    [(await groupStatus(cluster, "web")).attached, (await groupStatus(cluster, "web")).programmed],
    [2, 2],
  );
  await cluster.group("web", { ingress: [tcp("81", anybody)] });
  assert.match((await programmed()).message, /2 of 2 endpoints wait: its node has an older revision in force/);
  await cluster.report("n1");
  await cluster.pod("c", { labels: { web: "" } });
  assert.match((await programmed()).message, /1 of 3 endpoints wait: its node has not taken it up yet/);
});

test("rules are counted as the quota counts them (S-15, S-16)", async () => {
  const cluster = new Cluster();
  await cluster.put("PrefixList", "l", { addressFamily: "IPv6", maxEntries: 9 });
  await cluster.group("web", { ingress: [tcp("80", anybody, member("web"), list("l"))], egress: [] });
  assert.deepEqual((await groupStatus(cluster, "web")).rules, {
    ingress: { ipv4: 2, ipv6: 10 },
    egress: { ipv4: 0, ipv6: 0 },
    quota: 60,
  });
});

test("stale rules are listed with the reason (S-12)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", anybody, member("gone", "other")), tcp("81", list("gone"))] });
  const { staleRules } = await groupStatus(cluster, "web");
  assert.deepEqual(
    staleRules.map(({ place, reason }) => `${place} ${reason}`),
    ["spec.ingress[0].from[1] GroupNotFound", "spec.ingress[1].from[0] PrefixListNotFound"],
  );
  assert.equal(inShort(await condition(cluster, "SecurityGroup", "web", "Resolved")), "False StaleReferences");
  await cluster.group("gone", {}, { namespace: "other" });
  await cluster.put("PrefixList", "gone", { addressFamily: "IPv4", maxEntries: 1 });
  assert.equal(inShort(await condition(cluster, "SecurityGroup", "web", "Resolved")), "True ReferencesResolved");
});

test("duplicates are listed with the rule that counts (S-5)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", {
    ingress: [tcp("80", cidr("198.51.100.0/24")), tcp("80", anybody, cidr("198.51.100.9/24"))],
  });
  assert.deepEqual((await groupStatus(cluster, "web")).duplicateRules, [
    { place: "spec.ingress[1].from[1]", first: "spec.ingress[0].from[0]" },
  ]);
});

test("rules that leave flows untracked are listed, also where another group is the reason (S-50, T8)", async () => {
  const cluster = new Cluster();
  await cluster.group("a", { ingress: [tcp("80", anybody), tcp("22", cidr("203.0.113.1/32"))], egress: [] });
  await cluster.group("b", { egress: [{ protocol: "all", to: [anybody] }] });
  assert.deepEqual((await groupStatus(cluster, "a")).untrackedRules, []);
  await cluster.pod("both", { labels: { a: "", b: "" } });
  const { untrackedRules } = await groupStatus(cluster, "a");
  assert.deepEqual(
    untrackedRules.map(({ place }) => place),
    ["spec.ingress[0].from[0]"],
  );
  assert.match(untrackedRules[0]?.message ?? "", /tcp flows over IPv4 .* spec\.egress\[0\]\.to\[0\] of default\/b/);
  assert.deepEqual((await groupStatus(cluster, "b")).untrackedRules, []);
});

test("pods on the host's network and refused endpoints are warned of (S-15)", async () => {
  const cluster = new Cluster({ quotas: { groupsPerEndpoint: 1 } });
  await cluster.group("web", {});
  await cluster.group("db", {});
  await cluster.pod("host", { labels: { web: "" }, hostNetwork: true });
  await cluster.pod("both", { labels: { web: "", db: "" } });
  const { warnings, attached } = await groupStatus(cluster, "web");
  assert.equal(attached, 1);
  assert.deepEqual(
    warnings.map(({ reason }) => reason),
    ["EndpointRefused", "HostNetwork"],
  );
  assert.match(warnings[0]?.message ?? "", /1 pod of this group .* pod default\/both has 2 groups/);
  assert.match(warnings[1]?.message ?? "", /host's network, which no group can filter: default\/host/);
  assert.equal(inShort(await condition(cluster, "SecurityGroup", "web", "Programmed")), "False Pending");
});

test("a group over its quota is not accepted and not in force (S-15, S-75)", async () => {
  const cluster = new Cluster({ quotas: { rulesPerGroup: 1 } });
  await cluster.group("web", { ingress: [tcp("80", anybody), tcp("81", anybody)] });
  const told = await condition(cluster, "SecurityGroup", "web", "Accepted");
  assert.equal(inShort(told), "False QuotaExceeded");
  assert.match(told.message, /2 ingress rules for IPv4, the quota is 1/);
  assert.equal(inShort(await condition(cluster, "SecurityGroup", "web", "Programmed")), "False NotAccepted");
});

test("a prefix list tells who refers to it, and warns the groups when it is invalid", async () => {
  const cluster = new Cluster();
  await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 1, entries: [cidr("10.0.0.0/33")] });
  await cluster.group("web", { ingress: [tcp("80", list("l"))] });
  assert.equal(inShort(await condition(cluster, "PrefixList", "l", "Accepted")), "False Invalid");
  assert.deepEqual(
    (await groupStatus(cluster, "web")).warnings.map(({ reason }) => reason),
    ["InvalidPrefixList"],
  );
  const status = await cluster.status<PrefixListStatus>("PrefixList", "l");
  assert.deepEqual(status.referencedBy, ["SecurityGroup default/web"]);
});

test("a prefix list tells how full it is, who uses it, and where rules and tracking paths with it are in force", async () => {
  const cluster = new Cluster();
  const told = async () => {
    await cluster.reconcile();
    const { conditions, warnings: _warnings, ...counts } = await cluster.status<PrefixListStatus>("PrefixList", "l");
    const programmed = conditions.find(({ type }) => type === "Programmed");
    return { ...counts, programmedAs: programmed && inShort(programmed) };
  };
  await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 5, entries: [cidr("203.0.113.0/24")] });
  const unused = { entries: 1, maxEntries: 5, attached: 0, programmed: 0, references: 0, referencedBy: [] };
  assert.deepEqual(await told(), { ...unused, programmedAs: "True NoEndpoints" });

  await cluster.group("web", { ingress: [tcp("80", list("l")), tcp("81", list("l"))] });
  await cluster.group("other", {});
  await cluster.pod("a", { labels: { web: "" } });
  await cluster.pod("b", { labels: { web: "" }, node: "n2" });
  await cluster.pod("c", { labels: { other: "" } });
  const used = { ...unused, attached: 2, references: 1, referencedBy: ["SecurityGroup default/web"] };
  assert.deepEqual(await told(), { ...used, programmedAs: "Unknown NoReport" });
  await cluster.report("n1");
  await cluster.report("n2", { b: "no interface" });
  assert.deepEqual(await told(), { ...used, programmed: 1, programmedAs: "False Pending" });
  await cluster.report("n2");
  assert.deepEqual(await told(), { ...used, programmed: 2, programmedAs: "True Programmed" });

  await cluster.put("TrackingPolicy", "default", { paths: [{ name: "lambda", prefixLists: ["l"] }] });
  const referencedBy = ["SecurityGroup default/web", "TrackingPolicy default"];
  const tracked = { ...used, programmed: 2, references: 2, referencedBy };
  assert.deepEqual(await told(), { ...tracked, programmedAs: "False Pending" }, "the nodes have an older NodeConfig");
  for (const node of ["n1", "n2"]) await cluster.report(node);
  assert.deepEqual(await told(), { ...tracked, programmedAs: "True Programmed" });
  await cluster.report("n1", { a: "no interface" });
  assert.deepEqual(await told(), { ...tracked, programmed: 1, programmedAs: "False Pending" });

  await cluster.group("web", {});
  await cluster.report("n1");
  const onNodes = { ...unused, references: 1, referencedBy: ["TrackingPolicy default"] };
  assert.deepEqual(await told(), { ...onNodes, programmedAs: "True Programmed" }, "on nodes alone");
  await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 0 });
  assert.deepEqual(await told(), { ...onNodes, entries: 0, maxEntries: 0, programmedAs: "False NotAccepted" });
});

test("the younger ACL of a namespace is not accepted, and says which one is in force (S-80)", async () => {
  const cluster = new Cluster();
  await cluster.put("NetworkACL", "b-older", {});
  await cluster.put("NetworkACL", "a-younger", {});
  await cluster.pod("web");
  await cluster.report("n1");
  const told = await condition(cluster, "NetworkACL", "a-younger", "Accepted");
  assert.equal(inShort(told), "False NotTheOldest");
  assert.match(told.message, /the older NetworkACL b-older/);
  assert.equal(inShort(await condition(cluster, "NetworkACL", "b-older", "Programmed")), "True Programmed");
  assert.equal((await cluster.status<NetworkAclStatus>("NetworkACL", "b-older")).programmed, 1);
  assert.equal((await cluster.status<NetworkAclStatus>("NetworkACL", "a-younger")).attached, 0);
});

test("a profile counts the pods to which it applies, programmed once the node has its policy", async () => {
  const cluster = new Cluster();
  const small = async () => {
    await cluster.reconcile();
    return cluster.status<AllowanceProfileStatus>("AllowanceProfile", "small");
  };
  await cluster.put("AllowanceProfile", "small", { podSelector: { matchLabels: { web: "" } } });
  await cluster.pod("web", { labels: { web: "" } });
  await cluster.pod("other");
  await cluster.report("n1");
  assert.deepEqual([(await small()).applied, (await small()).programmed], [1, 1]);
  await cluster.put("AllowanceProfile", "small", { podSelector: { matchLabels: { web: "" } }, conntrack: { max: 5 } });
  assert.deepEqual([(await small()).applied, (await small()).programmed], [1, 0]);
  await cluster.report("n1");
  assert.equal(inShort(await condition(cluster, "AllowanceProfile", "small", "Programmed")), "True Programmed");
});

test("the tracking policy tells of missing prefix lists and of nodes that lag behind", async () => {
  const cluster = new Cluster();
  await cluster.pod("web");
  await cluster.report("n1");
  await cluster.put("TrackingPolicy", "default", {
    paths: [{ name: "lambda", cidrs: ["198.51.100.0/24"], prefixLists: ["l"] }],
  });
  assert.equal(inShort(await condition(cluster, "TrackingPolicy", "default", "Resolved")), "False StaleReferences");
  const { staleReferences } = await cluster.status<TrackingPolicyStatus>("TrackingPolicy", "default");
  assert.deepEqual(
    staleReferences.map(({ place }) => place),
    ["spec.paths[0].prefixLists[0]"],
  );
  assert.equal(inShort(await condition(cluster, "TrackingPolicy", "default", "Programmed")), "False Pending");
  const counts = async () => {
    const { nodes, programmed } = await cluster.status<TrackingPolicyStatus>("TrackingPolicy", "default");
    return [nodes, programmed];
  };
  assert.deepEqual(await counts(), [1, 0]);
  await cluster.report("n1");
  assert.equal(inShort(await condition(cluster, "TrackingPolicy", "default", "Programmed")), "True Programmed");
  assert.deepEqual(await counts(), [1, 1]);
});
