import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressSet, RuleSet } from "../../semantics/policy.ts";
import { Cluster, cidr, list, member, tcp } from "../test/cluster.ts";

const web = { web: "" };

/** Rules in short: direction, protocol, first port, peer. */
const inShort = (ruleSet: RuleSet | undefined): readonly string[] =>
  (ruleSet?.rules ?? []).map(
    ({ direction, service, peer }) =>
      `${direction} ${service.protocol} ${service.ports?.from ?? "-"} ${Object.values(peer).join()}`,
  );

async function members(cluster: Cluster, group: string): Promise<readonly string[]> {
  const { compiled } = await cluster.reconcile();
  return compiled.addressSets
    .filter((set) => set.kind === "members")
    .filter(({ groups }) => groups.some((key) => key === group))
    .flatMap(({ cidrs }) => cidrs)
    .sort();
}

test("a pod's rules are the union of its groups' (S-2)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", cidr("0.0.0.0/0"))], egress: [] });
  await cluster.group("ssh", { ingress: [tcp("22", cidr("203.0.113.0/24"))], egress: [] });
  await cluster.pod("both", { labels: { web: "", ssh: "" } });
  await cluster.pod("one", { labels: web });
  assert.deepEqual(inShort(await cluster.ruleSet("both")), ["ingress 6 22 203.0.113.0/24", "ingress 6 80 0.0.0.0/0"]);
  assert.deepEqual(inShort(await cluster.ruleSet("one")), ["ingress 6 80 0.0.0.0/0"]);
});

test("one entry with several peers is a rule for each, duplicates count once (S-3, S-5)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", {
    ingress: [
      tcp("80", cidr("198.51.100.0/24"), member("web")),
      { ...tcp("80", cidr("198.51.100.7/24")), description: "x" },
    ],
    egress: [],
  });
  await cluster.pod("web", { labels: web });
  assert.deepEqual(inShort(await cluster.ruleSet("web")), ["ingress 6 80 198.51.100.0/24", "ingress 6 80 default/web"]);
});

test("without lists a group has no ingress and all egress; an empty egress is none (S-18)", async () => {
  const cluster = new Cluster();
  await cluster.group("new", {});
  await cluster.group("none", { egress: [] });
  await cluster.pod("new", { labels: { new: "" } });
  await cluster.pod("none", { labels: { none: "" } });
  assert.deepEqual(inShort(await cluster.ruleSet("new")), ["egress -1 - 0.0.0.0/0", "egress -1 - ::/0"]);
  assert.deepEqual(inShort(await cluster.ruleSet("none")), []);
});

test("a group peer is its members' addresses of both families, as they come and go (S-9, S-10, S-21)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", member("client", "other")), tcp("81", member("web"))] });
  await cluster.group("client", {}, { namespace: "other" });
  await cluster.pod("web", { labels: web, addresses: ["10.244.0.1"] });
  assert.deepEqual(await members(cluster, "default/web"), ["10.244.0.1/32"]);
  assert.deepEqual(await members(cluster, "other/client"), []);
  const client = { namespace: "other", labels: { client: "" }, addresses: ["10.244.0.2", "fd00:244::2"] };
  await cluster.pod("client", client);
  assert.deepEqual(await members(cluster, "other/client"), ["10.244.0.2/32", "fd00:244::2/128"]);
  await cluster.pod("client", { ...client, labels: {} });
  assert.deepEqual(await members(cluster, "other/client"), []);
});

test("a group that no rule refers to has no address set", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", cidr("0.0.0.0/0"))] });
  await cluster.pod("web", { labels: web, addresses: ["10.244.0.1"] });
  assert.deepEqual((await cluster.reconcile()).compiled.addressSets, []);
});

test("a pod is in the address set of one combination of groups alone", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", member("web"), member("db"))] });
  await cluster.group("db", {});
  await cluster.pod("both", { labels: { web: "", db: "" }, addresses: ["10.244.0.1"] });
  await cluster.pod("web", { labels: web, addresses: ["10.244.0.2"] });
  const sets = (await cluster.reconcile()).compiled.addressSets as readonly Extract<AddressSet, { kind: "members" }>[];
  assert.deepEqual(
    new Set(sets.map(({ groups, cidrs }) => `${groups} ${cidrs}`)),
    new Set(["default/db,default/web 10.244.0.1/32", "default/web 10.244.0.2/32"]),
  );
});

test("a group selects by pod labels and by those of the service account, both where both are given", async () => {
  const cluster = new Cluster();
  await cluster.put("ServiceAccount", "payments", {}, { labels: { team: "money" } });
  const account = { matchLabels: { team: "money" } };
  await cluster.group("account", { podSelector: undefined, serviceAccountSelector: account });
  await cluster.group("web", { serviceAccountSelector: account });
  await cluster.group("nobody", { podSelector: undefined });
  await cluster.group("elsewhere", { podSelector: {} }, { namespace: "other" });
  await cluster.pod("web", { labels: web });
  await cluster.pod("plain", { serviceAccount: "payments" });
  await cluster.pod("both", { labels: web, serviceAccount: "payments" });
  assert.equal(await cluster.ruleSet("web"), undefined);
  assert.deepEqual((await cluster.ruleSet("plain"))?.groups, ["default/account"]);
  assert.deepEqual((await cluster.ruleSet("both"))?.groups, ["default/account", "default/web"]);
});

test("the default group is that of pods that no group selects; where it is missing they are closed", async () => {
  const cluster = new Cluster({ defaultGroup: "system/base" });
  await cluster.group("web", {});
  await cluster.pod("web", { labels: web });
  await cluster.pod("other");
  assert.match((await cluster.endpoint("other"))?.closed ?? "", /default group system\/base does not exist; create it/);
  await cluster.group("base", {}, { namespace: "system" });
  assert.deepEqual((await cluster.ruleSet("other"))?.groups, ["system/base"]);
  assert.deepEqual((await cluster.ruleSet("web"))?.groups, ["default/web"]);
});

test("rules follow a prefix list's latest entries; one that is invalid by now keeps its last (S-14, S-75)", async () => {
  const cluster = new Cluster();
  const entries = async () =>
    (await cluster.reconcile()).compiled.addressSets
      .filter((set) => set.kind === "prefixList")
      .map(({ cidrs }) => cidrs);
  await cluster.group("web", { ingress: [tcp("80", list("offices"))] });
  assert.deepEqual(await entries(), []);
  const spec = (...cidrs: readonly string[]) => ({ addressFamily: "IPv4", maxEntries: 5, entries: cidrs.map(cidr) });
  await cluster.put("PrefixList", "offices", spec("203.0.113.7/24"));
  assert.deepEqual(await entries(), [["203.0.113.0/24"]]);
  await cluster.put("PrefixList", "offices", spec("198.51.100.0/24", "203.0.113.0/24"));
  assert.deepEqual(await entries(), [["198.51.100.0/24", "203.0.113.0/24"]]);
  await cluster.put("PrefixList", "offices", spec("198.51.100.0/33"));
  assert.deepEqual(await entries(), [["198.51.100.0/24", "203.0.113.0/24"]]);
});

test("a stale rule stays in the rule set and matches once its peer exists (S-12)", async () => {
  const cluster = new Cluster();
  await cluster.group("web", { ingress: [tcp("80", member("late")), tcp("81", list("late"))], egress: [] });
  await cluster.pod("web", { labels: web });
  await cluster.pod("late", { labels: { late: "" }, addresses: ["10.244.0.9"] });
  assert.deepEqual(inShort(await cluster.ruleSet("web")), ["ingress 6 80 default/late", "ingress 6 81 late"]);
  assert.deepEqual(await members(cluster, "default/late"), []);
  await cluster.group("late", {});
  assert.deepEqual(await members(cluster, "default/late"), ["10.244.0.9/32"]);
});
