import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "../test/bench.ts";
import { echo, errorAbout, icmp, other, type Sent, tcp } from "../test/packets.ts";

const remote = "203.0.113.1";
const ends = { remote, port: 80, remotePort: 40_000 };
const enters = (flags: string, port = 80): Sent => tcp("ingress", { ...ends, port }, flags);
const leaves = (flags: string): Sent => tcp("egress", ends, flags);

test("S-80: the lowest number decides, in whatever order the rules are written", () => {
  const bench = new Bench({
    acl: [
      "300 allow in all from 0.0.0.0/0",
      "100 allow in tcp 80 from 203.0.113.0/24",
      "200 deny in tcp * from 203.0.113.0/24",
    ],
  });
  assert.equal(bench.says(enters("SYN")), "unfiltered none");
  assert.deepEqual(bench.judge(enters("SYN", 81)), { pass: false, reason: "acl-deny", tracking: "none", rule: 2 });
  assert.equal(bench.says(tcp("ingress", { ...ends, remote: "198.51.100.7" }, "SYN")), "unfiltered none");
});

test("S-80, S-82: what no rule matches is denied, and an empty ACL denies everything", () => {
  const some = new Bench({ acl: ["1 allow in tcp 80 from 0.0.0.0/0"] });
  assert.deepEqual(some.judge(enters("SYN", 81)), { pass: false, reason: "acl-deny", tracking: "none" });
  const empty = new Bench({ acl: [] });
  for (const sent of [
    enters("SYN"),
    leaves("SYN"),
    echo("ingress", "2001:db8::1", "request"),
    other("egress", remote, 47),
  ])
    assert.equal(empty.says(sent), "acl-deny");
});

test("S-81: stateless, replies need their own rules", () => {
  const bench = new Bench({ rules: ["in tcp 80 from 203.0.113.0/24"], acl: ["1 allow in all from 0.0.0.0/0"] });
  assert.equal(bench.says(enters("SYN")), "rule tracked");
  assert.equal(bench.says(leaves("SYN,ACK")), "acl-deny");
  bench.change({ acl: ["1 allow in all from 0.0.0.0/0", "1 allow out tcp 1024-65535 to 0.0.0.0/0"] });
  assert.equal(bench.says(leaves("SYN,ACK")), "connection tracked");
});

test("S-82: without an ACL nothing is filtered by one", () => {
  assert.equal(new Bench({}).says(enters("SYN")), "unfiltered none");
});

test("S-83: between pods of the namespace the ACL is not asked, and groups still apply", () => {
  const bench = new Bench({ rules: ["in tcp 80 from 10.244.0.20/32"], acl: [], neighbours: ["10.244.0.20/32"] });
  assert.equal(bench.says(tcp("ingress", { ...ends, remote: "10.244.0.20" }, "SYN")), "rule tracked");
  assert.equal(bench.says(tcp("ingress", { ...ends, remote: "10.244.0.20", port: 81 }, "SYN")), "no-rule");
  assert.equal(bench.says(tcp("ingress", { ...ends, remote: "10.244.0.21" }, "SYN")), "acl-deny");
});

test("S-84, S-85: families are independent; type and code of ICMP, protocol numbers", () => {
  const bench = new Bench({
    acl: ["1 allow in icmp 8/0 from 0.0.0.0/0", "2 allow in 47 from 0.0.0.0/0", "3 allow in all from 0.0.0.0/0"].slice(
      0,
      2,
    ),
  });
  assert.equal(bench.says(echo("ingress", remote, "request")), "unfiltered none");
  assert.equal(bench.says(icmp("ingress", remote, 8, 1)), "acl-deny");
  assert.equal(bench.says(other("ingress", remote, 47)), "unfiltered none");
  assert.equal(bench.says(other("ingress", "2001:db8::1", 47)), "acl-deny");
});

test("S-88: both layers must allow, and a denied packet touches no entry and no allowance of connections", () => {
  const bench = new Bench({ rules: ["in tcp 80 from 203.0.113.0/24"], allowances: { conntrackMax: 1 } });
  for (const sent of [enters("SYN"), leaves("SYN,ACK"), enters("ACK")]) bench.says(sent);
  bench.advance(10);
  bench.change({ acl: ["1 deny in tcp * from 0.0.0.0/0"] });
  for (const sent of [enters("RST"), enters("SYN", 81), leaves("ACK")]) assert.equal(bench.says(sent), "acl-deny");
  assert.deepEqual(
    bench.rows.map(({ state, idle }) => [state, idle]),
    [["established", 10]],
  );
  assert.equal(bench.metrics.conntrack_allowance_exceeded, 0);
});

test("S-88: related errors and untracked flows too", () => {
  const bench = new Bench({ rules: ["in tcp 80 from 0.0.0.0/0", "out all to 0.0.0.0/0"] });
  const error = errorAbout(leaves("ACK"), "198.51.100.254");
  assert.equal(bench.says(error), "related none");
  bench.change({ acl: ["1 allow in udp * from 0.0.0.0/0"] });
  assert.equal(bench.says(error), "acl-deny");
  assert.equal(bench.says(enters("SYN")), "acl-deny");
});

test("S-89: a change holds from the next packet on, either way", () => {
  const bench = new Bench({ rules: ["in tcp 80 from 203.0.113.0/24"] });
  bench.says(enters("SYN"));
  bench.change({ acl: [] });
  assert.equal(bench.says(leaves("SYN,ACK")), "acl-deny");
  bench.change({ acl: undefined });
  assert.equal(bench.says(leaves("SYN,ACK")), "connection tracked");
});
