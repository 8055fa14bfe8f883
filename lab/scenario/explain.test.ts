import assert from "node:assert/strict";
import { test } from "node:test";
import type { Direction } from "../../semantics/policy.ts";
import type { Reason, Verdict } from "../../semantics/verdict.ts";
import { packetOf } from "../engine/packets.ts";
import type { PacketAction } from "./actions.ts";
import { explainVerdict } from "./explain.ts";
import { scenarioOf } from "./test/scenario.ts";
import { World } from "./world.ts";

const spec: readonly string[] = [
  "resources:",
  "  - apiVersion: sallyport.dev/v1alpha1",
  "    kind: SecurityGroup",
  "    metadata: { name: web }",
  "    spec:",
  "      podSelector: { matchLabels: { app: web } }",
  "      ingress:",
  '        - { protocol: tcp, ports: "80", from: [ { cidr: 0.0.0.0/0 } ] }',
  '        - { protocol: tcp, ports: "22", from: [ { cidr: 203.0.113.1/32 }, { securityGroup: { name: db } } ] }',
  "        - { protocol: icmp, icmp: { type: 8 }, from: [ { prefixList: offices } ] }",
  '      egress: [ { protocol: tcp, ports: "8080", to: [ { securityGroup: { name: db } } ] } ]',
  "  - apiVersion: sallyport.dev/v1alpha1",
  "    kind: SecurityGroup",
  "    metadata: { name: db }",
  "    spec: { podSelector: { matchLabels: { app: db } } }",
  "  - apiVersion: v1",
  "    kind: Service",
  "    metadata: { name: db }",
  "    spec: { clusterIPs: [10.96.0.1], selector: { app: db }, ports: [ { port: 80, targetPort: 8080 } ] }",
  "  - apiVersion: sallyport.dev/v1alpha1",
  "    kind: NetworkACL",
  "    metadata: { name: acl, namespace: guarded }",
  "    spec:",
  "      inbound:",
  "        - { number: 10, action: deny, protocol: udp, ports: '53', cidr: 0.0.0.0/0 }",
  "        - { number: 20, action: allow, protocol: tcp, ports: '80', cidr: 203.0.113.0/24 }",
  "pods:",
  "  - { name: web, labels: { app: web } }",
  "  - { name: db, labels: { app: db }, addresses: [10.244.1.1] }",
  "  - { name: guarded, namespace: guarded }",
  "hosts:",
  "  - { name: client, addresses: [203.0.113.1] }",
  "  - { name: other, addresses: [198.51.100.9] }",
];

const verdictOf = (reason: Reason, tracking: Verdict["tracking"] = "none"): Verdict => ({
  pass: tracking !== "none",
  reason,
  tracking,
});

/** Explains a packet of the scenario above at its receiver (or, going out, its sender). */
async function explain(
  packet: Pick<PacketAction, "from" | "to" | "protocol"> & Partial<PacketAction>,
  verdict: Verdict,
  direction: Direction = "ingress",
): Promise<readonly string[]> {
  const scenario = await scenarioOf(...spec);
  const world = new World(scenario);
  for (const host of scenario.hosts) world.addHost(host);
  await world.apply(scenario.resources);
  for (const pod of scenario.pods) await world.addPod(pod);
  const state = await world.compile();
  const uid = world.find(direction === "ingress" ? packet.to : packet.from).uid ?? "";
  return explainVerdict(state, { uid, direction, verdict, packet: packetOf({ count: 1, ...packet }, world.find) });
}

const tcp = { protocol: 6, from: "client", to: "web" } as const;

test("a packet that passed by a rule: the groups and the rule that matched", async () => {
  const lines = await explain({ ...tcp, port: 22 }, verdictOf("rule", "tracked"));
  assert.deepEqual(lines.slice(0, 3), [
    "pod default/web: groups default/web; at most 32768 connections",
    "ingress: a rule permits it",
    "matched: default/web spec.ingress[1].from[0] (tcp 22 from 203.0.113.1/32)",
  ]);
  assert.match(lines[3] ?? "", /tracked: no ingress rule permits port 22 with the peer 0\.0\.0\.0\/0 \(S-50\)/);
});

test("a tracked packet to an open port: the rule the other way that is missing (S-50)", async () => {
  const lines = await explain({ ...tcp, port: 80 }, verdictOf("rule", "tracked"));
  assert.match(lines.at(-1) ?? "", /tracked: no egress rule permits all ports with the peer 0\.0\.0\.0\/0/);
});

test("a packet that no rule permits: the nearest rule and what did not fit", async () => {
  const last = async (packet: Parameters<typeof explain>[0]) =>
    (await explain(packet, verdictOf("no-rule"))).at(-1) ?? "";
  assert.match(
    await last({ ...tcp, from: "other", port: 22 }),
    /nearest rule: .*ingress\[1\]\.from\[0\].*: 198\.51\.100\.9 is not in 203\.0\.113\.1\/32$/,
  );
  assert.match(await last({ ...tcp, port: 81 }), /ingress\[0\]\.from\[0\].*: port 81 is not 80$/);
  assert.match(await last({ ...tcp, protocol: 17, port: 80 }), /: udp is not tcp$/);
  assert.match(
    await last({ ...tcp, protocol: 1, type: 8 }),
    /from prefix list offices\): prefix list offices has no entry, or does not exist$/,
  );
  assert.match(await last({ ...tcp, protocol: 1, type: 13 }), /: type 13 is not 8, prefix list offices/);
});

test("a member of a group matches, also by the Service that stands for it (S-9, S-9a)", async () => {
  const direct = await explain(
    { from: "web", to: "db", protocol: 6, port: 8080 },
    verdictOf("rule", "tracked"),
    "egress",
  );
  assert.match(direct[2] ?? "", /matched: default\/web spec\.egress\[0\]\.to\[0\] \(tcp 8080 to group default\/db\)/);
  const address = "10.96.0.1" as NonNullable<PacketAction["address"]>;
  const service = { from: "web", to: "db", protocol: 6, address };
  assert.match((await explain({ ...service, port: 80 }, verdictOf("rule", "tracked"), "egress"))[2] ?? "", /matched/);
  assert.match(
    (await explain({ ...service, port: 8080 }, verdictOf("no-rule"), "egress"))[2] ?? "",
    /10\.96\.0\.1 is no member of group default\/db/,
  );
});

test("a group without rules of that direction, and a pod without groups", async () => {
  const lines = await explain({ ...tcp, to: "db", port: 80 }, verdictOf("no-rule"));
  assert.equal(lines.at(-1), "the groups have no ingress rule");
  const unfiltered = await explain({ ...tcp, to: "guarded", port: 80 }, verdictOf("unfiltered"));
  assert.equal(
    unfiltered[0],
    "pod guarded/guarded: no group selects it; network ACL of namespace guarded; at most 32768 connections",
  );
});

test("what an ACL denies: the rule that did, or that none matched (S-80)", async () => {
  const guarded = { from: "client", to: "guarded" } as const;
  const last = async (packet: Parameters<typeof explain>[0]) => (await explain(packet, verdictOf("acl-deny"))).at(-1);
  assert.equal(await last({ ...guarded, protocol: 17, port: 53 }), "matched: rule 10 (deny udp 53, 0.0.0.0/0)");
  assert.equal(
    await last({ ...guarded, from: "other", protocol: 6, port: 80 }),
    "no rule of the network ACL matches, so the final * denies; nearest: rule 20 (allow tcp 80, 203.0.113.0/24): 198.51.100.9 is not in 203.0.113.0/24",
  );
});

test("where rules had no say, none is named", async () => {
  assert.equal((await explain({ ...tcp, port: 22 }, verdictOf("connection", "tracked"))).length, 2);
  assert.equal((await explain({ ...tcp, port: 22 }, verdictOf("spoofed"))).length, 2);
});
