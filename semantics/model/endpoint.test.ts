import assert from "node:assert/strict";
import { test } from "node:test";
import { createModel } from "../model.ts";
import { Bench, compiled, nodeAddresses } from "../test/bench.ts";
import { changed, icmp, pod, type Sent, tcp, udp } from "../test/packets.ts";

const remote = "203.0.113.1";
const ends = { remote, port: 22, remotePort: 40_000 };
const inOnly = [`in all from ${remote}/32`];
const enters = (flags: string): Sent => tcp("ingress", ends, flags);

test("S-22: a packet is dropped whose side of the pod is not the pod's address", () => {
  const bench = new Bench({ rules: ["in all from 0.0.0.0/0", "out all to 0.0.0.0/0"] });
  assert.equal(bench.says(udp("egress", { ...ends, local: "10.244.0.11" })), "spoofed");
  assert.equal(bench.says(udp("ingress", { ...ends, local: "10.244.0.11" })), "spoofed");
  assert.equal(bench.says(udp("ingress", { ...ends, local: "224.0.0.251" })), "spoofed");
  assert.equal(
    bench.says(tcp("egress", { remote: "169.254.169.254", port: 1, remotePort: 80, local: "10.244.0.11" }, "SYN")),
    "spoofed",
  );
});

test("S-22: sources of unfiltered pods are checked where antiSpoofing is All", () => {
  const spoofed = udp("egress", { ...ends, local: "10.244.0.11" });
  assert.equal(new Bench({}).says(spoofed), "unfiltered none");
  assert.equal(new Bench({ acl: ["1 allow out all to 0.0.0.0/0"] }).says(spoofed), "unfiltered none");
  assert.equal(new Bench({ antiSpoofing: "All" }).says(spoofed), "spoofed");
  assert.equal(new Bench({ antiSpoofing: "All" }).says(udp("egress", ends)), "unfiltered none");
  assert.equal(new Bench({ antiSpoofing: "All" }).says(changed(spoofed, { broken: true })), "unfiltered none");
});

test("a pod that no group selects is not filtered, and nothing of it is tracked", () => {
  const bench = new Bench({});
  const packets = [
    enters("SYN"),
    enters(""),
    changed(enters("SYN"), { fromNode: true }),
    changed(enters("SYN"), { broken: true }),
    icmp("ingress", "fe80::77", 135),
  ];
  for (const sent of packets) assert.equal(bench.says(sent), "unfiltered none");
  assert.equal(bench.metrics.conntrack_used, 0);
});

test("a pod that the operator says nothing of is not filtered", () => {
  const model = createModel({ tableSize: 1 });
  const state = compiled({ rules: [] });
  model.program({ ...state, node: { node: "node", endpoints: [] } }, { nodeAddresses }, [
    { uid: pod.uid, addresses: [pod.v4], adopt: false },
  ]);
  assert.equal(model.judge(pod.uid, "ingress", enters("SYN").packet).reason, "unfiltered");
});

test("S-75: a closed endpoint drops everything, and its connections outlive it", () => {
  const bench = new Bench({ rules: inOnly });
  bench.says(enters("SYN"));
  bench.change({ closed: "SecurityGroup default/web: 61 rules", rules: undefined });
  assert.equal(bench.says(enters("ACK")), "not-programmed");
  bench.change({ closed: undefined, rules: [] });
  assert.equal(bench.says(enters("ACK")), "connection tracked");
});

test("an endpoint whose RuleSet or ACL is not here yet is closed, and so is one that nobody programmed", () => {
  const facts = [{ uid: pod.uid, addresses: [pod.v4], adopt: false }];
  for (const lacking of [{ ruleSets: [] }, { acls: [] }]) {
    const model = createModel({ tableSize: 1 });
    assert.equal(model.judge(pod.uid, "ingress", enters("SYN").packet).reason, "not-programmed");
    model.program(
      { ...compiled({ rules: inOnly, acl: ["1 allow in all from 0.0.0.0/0"] }), ...lacking },
      { nodeAddresses },
      facts,
    );
    assert.equal(model.judge(pod.uid, "ingress", enters("SYN").packet).reason, "not-programmed");
  }
});

test("S-54: entries outlive a change of groups, and go with the last one", () => {
  const bench = new Bench({ rules: inOnly });
  bench.says(enters("SYN"));
  bench.change({ rules: ["in tcp 9 from ::/0"] });
  assert.equal(bench.says(enters("ACK")), "connection tracked");
  bench.change({ rules: undefined });
  assert.equal(bench.metrics.conntrack_used, 0);
  bench.change({ rules: [] });
  assert.equal(bench.says(enters("ACK")), "no-rule");
});

test("S-54: an address's entries go with it and do not come back, others stay", () => {
  const six = (flags: string): Sent => tcp("ingress", { ...ends, remote: "2001:db8::1" }, flags);
  const bench = new Bench({ rules: [...inOnly, "in all from 2001:db8::/32"] });
  bench.says(enters("SYN"));
  bench.says(six("SYN"));
  bench.change({ addresses: [pod.v6], rules: [] });
  assert.equal(bench.metrics.conntrack_used, 1);
  assert.equal(bench.says(enters("ACK")), "spoofed");
  bench.change({ addresses: undefined });
  assert.equal(bench.says(enters("ACK")), "no-rule");
  assert.equal(bench.says(six("ACK")), "connection tracked");
});

test("S-54: with the pod everything goes", () => {
  const bench = new Bench({ rules: inOnly });
  bench.says(enters("SYN"));
  bench.model.program(compiled({ rules: inOnly }), { nodeAddresses }, []);
  assert.equal(bench.says(enters("ACK")), "not-programmed");
  assert.throws(() => bench.metrics, /no endpoint with the pod uid pod/);
  bench.change({});
  assert.equal(bench.metrics.conntrack_used, 0);
  assert.deepEqual(bench.metrics.packets, { ingress: {}, egress: {} });
});

test("every verdict is counted by direction and reason", () => {
  const bench = new Bench({ rules: inOnly });
  for (const sent of [
    enters("SYN"),
    enters("SYN"),
    tcp("egress", ends, "SYN,ACK"),
    udp("egress", { ...ends, local: "10.244.0.11" }),
    enters(""),
  ])
    bench.says(sent);
  assert.deepEqual(bench.metrics.packets, {
    ingress: { rule: 1, connection: 1, malformed: 1 },
    egress: { connection: 1, spoofed: 1 },
  });
});
