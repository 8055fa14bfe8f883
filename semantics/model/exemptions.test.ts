import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, type Policy } from "../test/bench.ts";
import { changed, echo, firstFragment, fromNode, icmp, other, type Sent, tcp, udp } from "../test/packets.ts";

const node = "10.244.0.1";
const node6 = "fd00:244::1";
const stranger = "203.0.113.1";
const dns = "10.96.0.10";

/** Rules and an ACL that permit nothing. */
const nothing: Policy = { rules: [], acl: [], dns: [dns] };

const hop = (sent: Sent, hopLimit: number): Sent => changed(sent, { hopLimit });
const dhcp = (remote: string, direction: "ingress" | "egress" = "egress"): Sent =>
  udp(direction, { remote, port: 68, remotePort: 67, local: "0.0.0.0" });
const dhcp6 = (remote: string): Sent => udp("egress", { remote, port: 546, remotePort: 547, local: "fe80::9" });

/** Exempt, and as near as one can come without being it. */
const predicates: readonly {
  readonly what: string;
  readonly exempt: readonly Sent[];
  readonly not: readonly Sent[];
}[] = [
  {
    what: "neighbour and router discovery",
    exempt: [133, 134, 135, 136, 137].map((type) => hop(icmp("ingress", "fe80::77", type), 255)),
    not: [
      hop(icmp("ingress", "fe80::77", 135), 254),
      hop(icmp("ingress", "fe80::77", 132), 255),
      hop(icmp("ingress", "fe80::77", 138), 255),
      hop(icmp("ingress", stranger, 135), 255),
    ],
  },
  {
    what: "multicast listener reports",
    exempt: [130, 131, 132, 143].map((type) => hop(icmp("egress", "ff02::16", type), 1)),
    not: [
      hop(icmp("egress", "ff02::16", 143), 2),
      hop(icmp("egress", "ff05::16", 143), 1),
      hop(icmp("egress", "ff02::16", 142), 1),
    ],
  },
  {
    what: "IGMP",
    exempt: [hop(other("egress", "224.0.0.22", 2), 1)],
    not: [
      hop(other("egress", "224.0.0.22", 2), 64),
      hop(other("egress", "10.244.0.99", 2), 1),
      hop(other("egress", "ff02::16", 2), 1),
      hop(other("egress", "224.0.0.22", 3), 1),
    ],
  },
  {
    what: "DHCP to broadcast, multicast or the node",
    exempt: [
      dhcp("255.255.255.255"),
      dhcp("224.0.0.1"),
      dhcp(node),
      dhcp(node, "ingress"),
      dhcp6("ff02::1:2"),
      dhcp6(node6),
    ],
    not: [
      dhcp(stranger),
      dhcp(stranger, "ingress"),
      dhcp("255.255.255.255", "ingress"),
      tcp("egress", { remote: "255.255.255.255", port: 68, remotePort: 67 }, "SYN"),
      udp("egress", { remote: "255.255.255.255", port: 67, remotePort: 68 }),
      udp("egress", { remote: "255.255.255.255", port: 68, remotePort: 68 }),
      udp("egress", { remote: "255.255.255.255", port: 67, remotePort: 67 }),
      udp("egress", { remote: "ff02::1:2", port: 68, remotePort: 67 }),
      udp("egress", { remote: "255.255.255.255", port: 546, remotePort: 547 }),
    ],
  },
  {
    what: "fe80::/10 unicast between the pod and its node",
    exempt: [
      tcp("egress", { remote: "fe80::1", port: 1, remotePort: 2, local: "fe80::9" }, "SYN"),
      tcp("ingress", { remote: "fe80::1", port: 1, remotePort: 2 }, "ACK"),
    ],
    not: [
      tcp("egress", { remote: "fe80::2", port: 1, remotePort: 2 }, "SYN"),
      tcp("egress", { remote: node6, port: 1, remotePort: 2 }, "SYN"),
    ],
  },
  {
    what: "link-local services",
    exempt: [
      tcp("egress", { remote: "169.254.169.254", port: 1, remotePort: 80 }, "SYN"),
      tcp("ingress", { remote: "169.254.0.7", port: 1, remotePort: 80 }, "ACK"),
      udp("egress", { remote: "fd00:ec2::254", port: 1, remotePort: 123 }),
    ],
    not: [
      udp("egress", { remote: "169.255.0.1", port: 1, remotePort: 53 }),
      udp("egress", { remote: "fd00:ec3::254", port: 1, remotePort: 123 }),
      udp("egress", { remote: "fd01:ec2::254", port: 1, remotePort: 123 }),
    ],
  },
  {
    what: "DNS",
    exempt: [
      udp("egress", { remote: dns, port: 5000, remotePort: 53 }),
      udp("ingress", { remote: dns, port: 5000, remotePort: 53 }),
      tcp("egress", { remote: dns, port: 5000, remotePort: 53 }, "SYN"),
    ],
    not: [
      udp("egress", { remote: dns, port: 53, remotePort: 54 }),
      udp("egress", { remote: "10.96.0.11", port: 1, remotePort: 53 }),
      echo("egress", dns, "request"),
    ],
  },
];

for (const { what, exempt, not } of predicates) {
  test(`S-20, S-87: ${what} pass rules and ACL, by exact predicate`, () => {
    const bench = new Bench(nothing);
    for (const sent of exempt) assert.equal(bench.says(sent), "exempt none", JSON.stringify(sent.packet));
    for (const sent of not) assert.equal(bench.judge(sent).pass, false, JSON.stringify(sent.packet));
    assert.equal(bench.metrics.conntrack_used, 0);
  });
}

test("S-20: what is always exempt passes a closed endpoint, services do not", () => {
  const bench = new Bench({ closed: "group has an unknown protocol", dns: [dns] });
  assert.equal(bench.says(hop(icmp("ingress", "fe80::77", 135), 255)), "exempt none");
  assert.equal(bench.says(udp("egress", { remote: dns, port: 5000, remotePort: 53 })), "not-programmed");
});

test("S-20: a packet that cannot be read is not exempt", () => {
  const bench = new Bench(nothing);
  assert.equal(bench.says(changed(other("egress", "224.0.0.22", 2), { broken: true })), "malformed");
});

const probe = { remote: node, port: 8080, remotePort: 40_000 };
const asks = (flags: string): Sent => fromNode(tcp("ingress", probe, flags));
const answers = (flags: string): Sent => tcp("egress", probe, flags);

test("S-20: the node's own connection and its replies are exempt, past rules, ACL and a full table", () => {
  const bench = new Bench({ ...nothing, allowances: { conntrackMax: 0 } }, 0);
  assert.equal(bench.says(answers("ACK")), "acl-deny", "no reply without a question");
  for (const sent of [asks("SYN"), answers("SYN,ACK"), asks("ACK"), answers("PSH,ACK"), asks("FIN,ACK")])
    assert.equal(bench.says(sent), "exempt none");
  assert.equal(bench.metrics.conntrack_used, 0);
  assert.deepEqual(bench.rows, []);
});

test("S-20: without a plain SYN of the node's its TCP is filtered; other protocols' first packet will do", () => {
  const bench = new Bench({ rules: [] });
  assert.equal(bench.says(asks("ACK")), "no-rule");
  assert.equal(bench.says(fromNode(udp("ingress", probe))), "exempt none");
  assert.equal(bench.says(udp("egress", probe)), "exempt none");
  assert.equal(bench.says(fromNode(other("ingress", node, 47))), "exempt none");
  assert.equal(bench.says(other("egress", node, 47)), "exempt none");
  assert.equal(bench.says(fromNode(icmp("ingress", node, 13))), "exempt none");
  assert.equal(bench.says(icmp("egress", node, 14)), "no-rule", "an ICMP that is no echo has no entry to reply by");
  assert.equal(bench.says(fromNode(echo("ingress", node, "request"))), "exempt none");
  assert.equal(bench.says(echo("egress", node, "reply")), "exempt none");
  assert.equal(bench.says(echo("egress", node, "request")), "no-rule");
});

test("S-20: forwarded packets are filtered, also with the node's address and an exempt flow's ports", () => {
  const bench = new Bench({ rules: [] });
  const forwarded = tcp("ingress", probe, "SYN");
  assert.equal(bench.says(forwarded), "no-rule");
  bench.says(asks("SYN"));
  assert.equal(bench.says(tcp("ingress", probe, "ACK")), "no-rule");
  assert.equal(
    bench.says(fromNode(tcp("ingress", { ...probe, remote: stranger }, "SYN"))),
    "no-rule",
    "not the node's address",
  );
});

test("S-20: an IPv6 fragment is not the node's, an IPv4 one may be", () => {
  const bench = new Bench({ rules: [] });
  const six = fromNode(udp("ingress", { ...probe, remote: node6 }));
  assert.equal(bench.says(firstFragment(six, 1)), "no-rule");
  assert.equal(bench.says(six), "exempt none");
  assert.equal(bench.says(firstFragment(fromNode(udp("ingress", probe)), 1)), "exempt none");
});

test("S-20: a packet of one of the pod's own flows is judged as such first", () => {
  const open = new Bench({ rules: ["in tcp 8080 from 0.0.0.0/0", "out all to 0.0.0.0/0"] });
  assert.equal(open.says(asks("SYN")), "untracked untracked");
  const client = new Bench({ rules: [`out tcp 40000 to ${node}/32`] });
  assert.equal(client.says(answers("SYN")), "rule tracked", "the pod begins a flow to its node");
  assert.equal(client.says(asks("SYN,ACK")), "connection tracked");
});

test("S-53: a flow of the pod's to its node is cut with its rules, since no exempt entry stands for it", () => {
  const bench = new Bench({ rules: ["out tcp 443 to 0.0.0.0/0", "in all from 0.0.0.0/0"] });
  const toApi = (flags: string): Sent => tcp("egress", { remote: node, port: 5000, remotePort: 443 }, flags);
  assert.equal(bench.says(toApi("SYN")), "untracked untracked");
  assert.equal(
    bench.says(fromNode(tcp("ingress", { remote: node, port: 5000, remotePort: 443 }, "SYN,ACK"))),
    "untracked untracked",
  );
  bench.change({ rules: [] });
  assert.equal(bench.says(toApi("ACK")), "no-rule");
  assert.equal(bench.says(fromNode(tcp("ingress", { remote: node, port: 5000, remotePort: 443 }, "ACK"))), "no-rule");
});

test("S-20, S-88: with the node the ACL is asked of the pod's own flows and of what is not exempt", () => {
  const acl = ["1 deny in tcp * from 0.0.0.0/0", "2 allow in all from 0.0.0.0/0"];
  const open = new Bench({ rules: ["in tcp 8080 from 0.0.0.0/0", "out all to 0.0.0.0/0"], acl });
  assert.equal(open.says(asks("SYN")), "acl-deny");
  const narrow = new Bench({ rules: [`in tcp 8080 from ${node}/32`] });
  assert.equal(narrow.says(tcp("ingress", probe, "SYN")), "rule tracked");
  narrow.change({ acl });
  assert.equal(narrow.says(tcp("ingress", probe, "ACK")), "acl-deny", "a live entry");
  assert.equal(narrow.says(tcp("ingress", { ...probe, port: 1 }, "SYN")), "acl-deny", "a new flow");
});

test("S-20: exempt entries end at their timeouts, and a new SYN of the node's begins anew", () => {
  const bench = new Bench({ rules: [] });
  bench.says(asks("SYN"));
  bench.says(answers("RST"));
  assert.equal(bench.says(answers("SYN")), "no-rule", "the pod opens nothing by a closing one");
  assert.equal(bench.says(asks("SYN")), "exempt none");
  bench.advance(29.75);
  assert.equal(bench.says(answers("SYN,ACK")), "exempt none");
  bench.advance(30);
  assert.equal(bench.says(answers("ACK")), "no-rule");
});

test("an exempt entry goes with the pod's address", () => {
  const bench = new Bench({ rules: [] });
  bench.says(asks("SYN"));
  bench.change({ addresses: ["10.244.0.99"] });
  bench.change({ addresses: undefined });
  assert.equal(bench.says(answers("SYN,ACK")), "no-rule");
});
