import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, cidr, list, tcp } from "../test/cluster.ts";

const web = { web: "" };
const ports = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => tcp(String(index + 1), cidr("198.51.100.0/24")));

/** Why the pod is closed; undefined if it is not. */
const closed = async (cluster: Cluster, pod: string): Promise<string | undefined> =>
  (await cluster.endpoint(pod))?.closed;

/** First ports of the pod's ingress rules. */
const firstPorts = async (cluster: Cluster, pod: string): Promise<readonly (number | undefined)[]> =>
  ((await cluster.ruleSet(pod))?.rules ?? [])
    .filter(({ direction }) => direction === "ingress")
    .map(({ service }) => service.ports?.from);

for (const [what, ingress, over] of [
  ["60 IPv4 rules", ports(60), undefined],
  ["61 IPv4 rules", ports(61), /61 ingress rules for IPv4, the quota is 60/],
  [
    "60 rules of each family",
    [...ports(60), ...ports(60).map((rule) => ({ ...rule, from: [cidr("2001:db8::/32")] }))],
    undefined,
  ],
  ["a prefix list that may hold 60", [tcp("80", list("long"))], undefined],
  ["a prefix list that may hold 60, and one rule", [...ports(1), tcp("80", list("long"))], /61 ingress rules for IPv4/],
  ["duplicates", Array.from({ length: 70 }, () => tcp("80", cidr("198.51.100.0/24"))), undefined],
] as const) {
  test(`the quota of a group counts per direction and family: ${what} (S-15, S-16)`, async () => {
    const cluster = new Cluster();
    await cluster.put("PrefixList", "long", { addressFamily: "IPv4", maxEntries: 60, entries: [] });
    await cluster.group("web", { ingress });
    await cluster.pod("web", { labels: web });
    const reason = await closed(cluster, "web");
    if (over === undefined) assert.equal(reason, undefined);
    else assert.match(reason ?? "", over);
  });
}

test("a group as peer counts once in each family (S-16)", async () => {
  const cluster = new Cluster({ quotas: { rulesPerGroup: 1 } });
  await cluster.group("web", { ingress: [tcp("80", { securityGroup: { name: "web" } })] });
  await cluster.pod("web", { labels: web });
  assert.equal(await closed(cluster, "web"), undefined);
  await cluster.group("web", { ingress: [tcp("80", { securityGroup: { name: "web" } }, cidr("2001:db8::/32"))] });
  await cluster.pod("late", { labels: web });
  assert.match((await closed(cluster, "late")) ?? "", /2 ingress rules for IPv6, the quota is 1/);
});

test("an endpoint has at most five groups, and so many rules of all together (S-15)", async () => {
  const cluster = new Cluster({ quotas: { rulesPerEndpoint: 10 } });
  const names = ["g1", "g2", "g3", "g4", "g5", "g6"];
  for (const name of names) await cluster.group(name, { egress: [], ingress: ports(name === "g6" ? 7 : 2) });
  const labels = (some: readonly string[]) => Object.fromEntries(some.map((name) => [name, ""]));
  await cluster.pod("five", { labels: labels(names.slice(0, 5)) });
  await cluster.pod("six", { labels: labels(names) });
  await cluster.pod("many", { labels: labels(["g1", "g2", "g6"]) });
  assert.equal(await closed(cluster, "five"), undefined);
  assert.match((await closed(cluster, "six")) ?? "", /has 6 groups .* the quota is 5; .*quotas\.groupsPerEndpoint/);
  assert.match((await closed(cluster, "many")) ?? "", /11 ingress rules for IPv4 together, the quota is 10/);
});

test("an invalid group leaves endpoints their last good policy, and closes those without one (S-75)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: ports(1) });
  await cluster.pod("old", { labels: web });
  await cluster.reconcile();
  await cluster.group("web", { ingress: [tcp("70000", cidr("198.51.100.0/24"))] });
  await cluster.pod("new", { labels: web });
  assert.deepEqual(await firstPorts(cluster, "old"), [1]);
  assert.equal(await closed(cluster, "old"), undefined);
  assert.match((await closed(cluster, "new")) ?? "", /SecurityGroup default\/web: spec\.ingress\[0\]\.ports/);
  await cluster.group("web", { ingress: ports(2) });
  assert.deepEqual(await firstPorts(cluster, "old"), [1, 2]);
  assert.deepEqual(await firstPorts(cluster, "new"), [1, 2]);
});

test("an endpoint that ran without a group is closed, not left open, when its first group is invalid (S-75)", async () => {
  const cluster = new Cluster();
  await cluster.pod("web", { labels: web });
  assert.equal((await cluster.endpoint("web"))?.ruleSet, undefined);
  await cluster.group("web", { ingress: [{ protocol: "tcp", from: [cidr("0.0.0.0/0")] }] });
  assert.match((await closed(cluster, "web")) ?? "", /tcp needs ports/);
});

test("an endpoint over its quota keeps the groups that it had (S-15, S-75)", async () => {
  const cluster = new Cluster({ quotas: { groupsPerEndpoint: 1 } });
  await cluster.group("web", { ingress: ports(1) });
  await cluster.group("db", { ingress: ports(3) });
  await cluster.pod("web", { labels: web });
  await cluster.reconcile();
  await cluster.pod("web", { labels: { web: "", db: "" } });
  assert.deepEqual(await firstPorts(cluster, "web"), [1]);
});

test("a namespace has one ACL, the oldest; its rules are in the order of their numbers (S-80, S-82)", async () => {
  const cluster = new Cluster();
  const rule = (number: number) => ({ number, action: "allow", protocol: "all", cidr: "0.0.0.0/0" });
  await cluster.put("NetworkACL", "first", { inbound: [rule(200), rule(100)] });
  await cluster.put("NetworkACL", "another", { inbound: [rule(1)] });
  await cluster.pod("web", { labels: web, addresses: ["10.244.0.1"] });
  await cluster.pod("outside", { namespace: "other" });
  const { compiled } = await cluster.reconcile();
  assert.deepEqual(
    compiled.acls.map(({ rules }) => rules.map(({ number }) => number)),
    [[100, 200]],
  );
  assert.notEqual((await cluster.endpoint("web"))?.acl, undefined);
  assert.equal((await cluster.endpoint("outside", "other"))?.acl, undefined);
  assert.deepEqual(
    compiled.addressSets.map((set) => (set.kind === "namespace" ? [set.namespace, set.cidrs] : [])),
    [["default", ["10.244.0.1/32"]]],
  );
});

test("an ACL over its quota leaves endpoints what they had (S-86, S-75)", async () => {
  const cluster = new Cluster({ quotas: { aclRules: 2 } });
  const rules = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ number: at + 1, action: "deny", protocol: "all", cidr: "0.0.0.0/0" }));
  await cluster.put("NetworkACL", "acl", { inbound: rules(2) });
  await cluster.pod("old");
  await cluster.reconcile();
  await cluster.put("NetworkACL", "acl", { inbound: rules(3) });
  await cluster.pod("new");
  assert.notEqual((await cluster.endpoint("old"))?.acl, undefined);
  assert.deepEqual(
    (await cluster.reconcile()).compiled.acls.map((acl) => acl.rules.length),
    [2],
  );
  assert.match(
    (await closed(cluster, "new")) ?? "",
    /NetworkACL default\/acl: spec\.inbound has 3 rules, the quota is 2/,
  );
});
