import assert from "node:assert/strict";
import { test } from "node:test";
import { compiledSchemas } from "../../crds/compiled-schema.ts";
import { userStatuses } from "../../crds/status.ts";
import type { UserKind } from "../ports.ts";
import { Cluster, cidr, list, member, tcp } from "../test/cluster.ts";
import type { SecurityGroupStatus } from "./security-group.ts";

/** Half of what etcd takes of a request by default, so that the spec has room too. */
const mostBytes = 768 * 1024;

const namespace = "n".repeat(63);
const longName = (index: number, length = 253): string => `${index}-`.padEnd(length, "x");
const userKinds = Object.keys(userStatuses) as UserKind[];

/** Holds everything that was written against the schema by which the API server takes or refuses it. */
async function assertTaken(cluster: Cluster): Promise<void> {
  for (const kind of userKinds)
    for (const { metadata, status } of (await cluster.api.list(kind)).items) {
      const { error } = userStatuses[kind].safeParse(status);
      assert.equal(error?.message, undefined, `status of ${kind} ${metadata.name}`);
      const bytes = Buffer.byteLength(JSON.stringify(status));
      assert.ok(bytes <= mostBytes, `status of ${kind} ${metadata.name} has ${bytes} bytes`);
    }
  for (const { spec } of (await cluster.api.list("NodePolicy")).items)
    assert.equal(compiledSchemas.NodePolicy.safeParse(spec).error?.message, undefined);
}

const conditionOf = async (cluster: Cluster, kind: UserKind, name: string, type: string, within?: string) => {
  const { conditions } = await cluster.status<SecurityGroupStatus>(kind, name, within);
  return conditions.find((condition) => condition.type === type);
};

test("the status of a group with thousands of pods and as many stale rules as it may have is taken", async () => {
  const cluster = new Cluster({ quotas: { rulesPerGroup: 1000 } });
  const name = longName(0);
  const peers = (from: number) =>
    Array.from({ length: 100 }, (_, index) => member(longName(from + index), "m".repeat(63)));
  const stale = Array.from({ length: 10 }, (_, rule) => tcp(`${rule}`, ...peers(100 * rule)));
  await cluster.group(name, { podSelector: {}, ingress: [...stale, ...stale] }, { namespace });
  for (let index = 0; index < 3000; index += 1)
    await cluster.pod(longName(index), { namespace, node: `n${index % 9}`, hostNetwork: index % 3 === 0 });
  await cluster.reconcile();
  const messages = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [longName(index), `e${index} `]));
  await cluster.report("n1", messages);
  await assertTaken(cluster);
  const { staleRules, duplicateRules, attached } = await cluster.status<SecurityGroupStatus>(
    "SecurityGroup",
    name,
    namespace,
  );
  assert.deepEqual([staleRules.length, duplicateRules.length, attached], [64, 64, 2000]);
  const resolved = await conditionOf(cluster, "SecurityGroup", name, "Resolved", namespace);
  assert.match(resolved?.message ?? "", /^1000 stale references, which match nothing: .* and 995 more$/);
});

test("the status of a group whose every flow is untracked is taken", async () => {
  const cluster = new Cluster({ quotas: { rulesPerGroup: 1000 } });
  const ingress = Array.from({ length: 500 }, (_, port) => tcp(`${port}`, cidr("0.0.0.0/0"), cidr("::/0")));
  await cluster.group(longName(0), { podSelector: {}, ingress }, { namespace });
  await cluster.reconcile();
  await assertTaken(cluster);
});

test("of more faults than a message holds, whole ones are told and the rest is counted", async () => {
  const cluster = new Cluster();
  const bad = Array.from({ length: 100 }, (_, index) => cidr(`10.0.0.${index}/33`));
  const ingress = Array.from({ length: 10 }, () => tcp("80", ...bad));
  await cluster.group("web", { ingress });
  await cluster.pod("web", { labels: { web: "" } });
  await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 1000, entries: bad });
  const rules = Array.from({ length: 1000 }, () => ({ number: 0, action: "maybe", protocol: "tcp", cidr: "no" }));
  await cluster.put("NetworkACL", "acl", { inbound: rules });
  const unknown = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [longName(index), {}]));
  await cluster.put("AllowanceProfile", "small", unknown);
  await cluster.put("TrackingPolicy", "default", { paths: [{ name: "lambda", cidrs: bad.map(() => "no") }] });
  await cluster.reconcile();
  await assertTaken(cluster);
  const message = (await conditionOf(cluster, "SecurityGroup", "web", "Accepted"))?.message ?? "";
  const lines = message.split("\n");
  for (const line of lines.slice(0, -1)) assert.match(line, /^spec\.ingress\[\d\]\.from\[\d+\]\.cidr: .*; .+/);
  assert.equal(lines.at(-1), `... and ${1000 - (lines.length - 1)} more`);
});

test("who holds a deletion is told as far as there is room", async () => {
  const cluster = new Cluster();
  const name = longName(0);
  await cluster.put("PrefixList", name, { addressFamily: "IPv4", maxEntries: 1 });
  for (let index = 1; index <= 200; index += 1)
    await cluster.group(longName(index), { podSelector: {}, ingress: [tcp("80", list(name))] }, { namespace });
  await cluster.reconcile();
  await cluster.remove("PrefixList", name);
  await cluster.reconcile();
  await assertTaken(cluster);
  const { referencedBy, warnings } = await cluster.status<{ referencedBy: string[]; warnings: { message: string }[] }>(
    "PrefixList",
    name,
  );
  assert.equal(referencedBy.length, 64);
  assert.match(warnings[0]?.message ?? "", / and 195 more; detach/);
});

test("a pod of a thousand groups is closed with a reason that its node's policy has room for (S-15, S-75)", async () => {
  const cluster = new Cluster();
  for (let index = 0; index < 1000; index += 1)
    await cluster.group(longName(index), { podSelector: {} }, { namespace });
  for (let index = 0; index < 6; index += 1) await cluster.pod(longName(index), { namespace });
  await cluster.reconcile();
  await assertTaken(cluster);
  const closed = (await cluster.endpoint(longName(0), namespace))?.closed ?? "";
  assert.match(closed, /has 1000 groups \(.*\.\.\. and \d+ more$/);
  assert.ok(closed.length <= 1024);
});

test("the tracking policy's missing lists are told as far as there is room", async () => {
  const cluster = new Cluster();
  const names = ["lambda", "private-link", "nat-gateway"];
  const paths = names.map((name, at) => ({
    name,
    prefixLists: Array.from({ length: 64 }, (_, index) => longName(100 * at + index)),
  }));
  await cluster.put("TrackingPolicy", "default", { paths });
  await cluster.reconcile();
  await assertTaken(cluster);
  const { staleReferences } = await cluster.status<{ staleReferences: unknown[] }>("TrackingPolicy", "default");
  assert.equal(staleReferences.length, 64);
});
