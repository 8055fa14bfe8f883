import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupKey } from "../policy.ts";
import { Bench } from "../test/bench.ts";
import { icmp, other, type Sent, tcp, udp } from "../test/packets.ts";
import { address } from "../test/rules.ts";

const remote = "203.0.113.1";
const remote6 = "2001:db8::1";

const syn = (port: number, from = remote): Sent => tcp("ingress", { remote: from, port, remotePort: 40_000 }, "SYN");

interface Case {
  readonly number: string;
  readonly what: string;
  readonly rules: readonly string[];
  readonly permits: readonly Sent[];
  readonly drops: readonly Sent[];
}

const cases: readonly Case[] = [
  {
    number: "S-1",
    what: "what no rule permits is dropped, and the directions are apart",
    rules: [`in tcp 80 from ${remote}/32`],
    permits: [syn(80)],
    drops: [
      syn(81),
      tcp("egress", { remote, port: 80, remotePort: 80 }, "SYN"),
      udp("ingress", { remote, port: 80, remotePort: 1 }),
    ],
  },
  {
    number: "S-2",
    what: "the most permissive rule wins",
    rules: [`in tcp 80 from ${remote}/32`, "in tcp 1-100 from 203.0.113.0/24"],
    permits: [syn(80), syn(80, "203.0.113.9"), syn(7)],
    drops: [syn(101)],
  },
  {
    number: "S-4",
    what: "host bits of a CIDR mean nothing",
    rules: ["in tcp 80 from 203.0.113.77/24", "in tcp 81 from 100.68.0.18/18"],
    permits: [syn(80), syn(81, "100.68.63.255")],
    drops: [syn(80, "203.0.114.1"), syn(81, "100.68.64.0")],
  },
  {
    number: "S-6",
    what: "ports are the pod's for what enters, the remote's for what leaves, ends included",
    rules: ["in tcp 10-20 from 203.0.113.0/24", "out udp 0-1 to 203.0.113.0/24", "in tcp 65535 from 203.0.113.0/24"],
    permits: [
      syn(10),
      syn(20),
      syn(65_535),
      udp("egress", { remote, port: 9, remotePort: 0 }),
      udp("egress", { remote, port: 9, remotePort: 1 }),
    ],
    drops: [syn(9), syn(21), udp("egress", { remote, port: 0, remotePort: 9 })],
  },
  {
    number: "S-6",
    what: "a number means that protocol, all means every one",
    rules: [`in 132 from ${remote}/32`, "in all from 203.0.113.2/32"],
    permits: [other("ingress", remote, 132), other("ingress", "203.0.113.2", 99), syn(1, "203.0.113.2")],
    drops: [other("ingress", remote, 133), syn(132)],
  },
  {
    number: "S-7",
    what: "ICMP by type and code, -1 is any",
    rules: [`in icmp 8/0 from ${remote}/32`, `in icmp 13/-1 from ${remote}/32`, "in icmp -1/-1 from 203.0.113.2/32"],
    permits: [icmp("ingress", remote, 8), icmp("ingress", remote, 13, 5), icmp("ingress", "203.0.113.2", 17, 3)],
    drops: [icmp("ingress", remote, 8, 1), icmp("ingress", remote, 14), icmp("ingress", "203.0.113.3", 8)],
  },
  {
    number: "S-7",
    what: "ICMP of the other family is another protocol, which only all means",
    rules: [`in icmp from ${remote}/32`, `in icmpv6 from ${remote}/32`, "in all from 203.0.113.2/32"],
    permits: [other("ingress", "203.0.113.2", 58)],
    drops: [other("ingress", remote, 58)],
  },
  {
    number: "S-8",
    what: "0.0.0.0/0 is IPv4 only",
    rules: ["in tcp 80 from 0.0.0.0/0"],
    permits: [syn(80)],
    drops: [syn(80, remote6)],
  },
  {
    number: "S-8",
    what: "::/0 is IPv6 only",
    rules: ["in tcp 80 from ::/0"],
    permits: [syn(80, remote6)],
    drops: [syn(80)],
  },
  {
    number: "S-3",
    what: "IPv6 CIDRs cut within a byte",
    rules: ["in tcp 80 from 2001:db8::/45"],
    permits: [syn(80, remote6), syn(80, "2001:db8:7:ffff::1")],
    drops: [syn(80, "2001:db8:8::1")],
  },
];

for (const { number, what, rules, permits, drops } of cases) {
  test(`${number}: ${what}`, () => {
    const bench = new Bench({ rules });
    for (const sent of permits) assert.equal(bench.judge(sent).reason, "rule", JSON.stringify(sent.packet));
    for (const sent of drops) assert.equal(bench.says(sent), "no-rule", JSON.stringify(sent.packet));
  });
}

test("S-9, S-21: a group means its members' addresses of all families, as they are now", () => {
  const rules = ["in tcp 80 from sg:default/web"];
  const bench = new Bench({ rules, groups: { "default/web": ["10.244.0.20/32", "fd00:244::20/128"] } });
  assert.equal(bench.says(syn(80, "10.244.0.20")), "rule tracked");
  assert.equal(bench.says(syn(80, "fd00:244::20")), "rule tracked");
  assert.equal(bench.says(syn(80, "10.244.0.21")), "no-rule");
  bench.change({ groups: { "default/web": ["10.244.0.21/32"] } });
  assert.equal(bench.says(syn(80, "10.244.0.21")), "rule tracked");
  assert.equal(bench.says(tcp("ingress", { remote: "10.244.0.20", port: 80, remotePort: 40_001 }, "SYN")), "no-rule");
});

test("S-9a: a Service's address stands for a pod in the groups of all its backends, on the target port", () => {
  const service = "10.96.0.80";
  const asks = (remotePort: number, flags = "SYN"): Sent =>
    tcp("egress", { remote: service, port: 5000, remotePort }, flags);
  const services = [
    {
      groups: ["default/web" as GroupKey],
      addresses: [address(service)],
      ports: [{ protocol: 6, port: 80, targetPort: 8080 } as const],
    },
  ];
  const says = (rules: readonly string[], sent = asks(80)) => new Bench({ rules, services }).says(sent);
  assert.equal(says(["out tcp 8080 to sg:default/web"]), "rule tracked");
  assert.equal(says(["out all to sg:default/web"]), "rule tracked");
  assert.equal(says(["out tcp 80 to sg:default/web"]), "no-rule", "the Service's own port");
  assert.equal(says(["out tcp 8080 to sg:default/some"]), "no-rule", "a group that not every backend is in");
  assert.equal(says(["out tcp 8080 to 10.96.0.0/12"]), "no-rule", "a CIDR sees the address and port themselves");
  assert.equal(says(["out tcp 80 to 10.96.0.0/12"]), "rule tracked");
  assert.equal(says(["out all to sg:default/web"], asks(81)), "no-rule", "no port of the Service");
  assert.equal(
    says(["out all to sg:default/web"], udp("egress", { remote: service, port: 1, remotePort: 80 })),
    "no-rule",
  );
  assert.equal(
    says(["in all from sg:default/web"], tcp("ingress", { remote: service, port: 80, remotePort: 80 }, "SYN")),
    "no-rule",
  );
  assert.equal(
    says(["out tcp 8080 to sg:default/web"], asks(80, "ACK")),
    "rule none",
    "nothing permits the other way (S-40)",
  );
  const back = tcp("ingress", { remote: service, port: 5000, remotePort: 80 }, "ACK");
  assert.equal(says(["out tcp 8080 to sg:default/web", "in tcp 5000 from 10.96.0.0/12"], back), "rule tracked");
});

test("S-10: membership alone opens nothing; a self-referencing rule does", () => {
  const groups = { "default/own": ["10.244.0.10/32", "10.244.0.11/32"] };
  assert.equal(new Bench({ rules: [], groups }).says(syn(80, "10.244.0.11")), "no-rule");
  const open = new Bench({ rules: ["in tcp * from sg:default/own"], groups });
  assert.equal(open.says(syn(80, "10.244.0.11")), "rule tracked");
});

test("S-12: a rule whose group or prefix list does not exist matches nothing, until it does", () => {
  const bench = new Bench({ rules: ["in tcp 80 from sg:default/gone", "in tcp 81 from pl:gone"] });
  assert.deepEqual([bench.says(syn(80)), bench.says(syn(81))], ["no-rule", "no-rule"]);
  bench.change({ groups: { "default/gone": [`${remote}/32`] }, prefixLists: { gone: ["203.0.113.0/24"] } });
  assert.deepEqual([bench.says(syn(80)), bench.says(syn(81))], ["rule tracked", "rule tracked"]);
});

test("S-14: rules follow a prefix list's content", () => {
  const bench = new Bench({ rules: ["in tcp 80 from pl:net"], prefixLists: { net: ["198.51.100.0/24"] } });
  assert.equal(bench.says(syn(80)), "no-rule");
  bench.change({ prefixLists: { net: ["198.51.100.0/24", "203.0.113.0/28"] } });
  assert.equal(bench.says(syn(80)), "rule tracked");
});

test("the rule that decided is told by its index in the rule set", () => {
  const bench = new Bench({
    rules: [
      "out all to ::/0",
      "in tcp 80 from 198.51.100.0/24",
      "in tcp 80 from 203.0.113.0/24",
      "in all from 203.0.113.0/24",
    ],
    allowances: { conntrackMax: 1 },
  });
  assert.equal(bench.judge(syn(80)).rule, 2);
  assert.equal(bench.judge(syn(80)).rule, undefined, "an entry, no rule");
  assert.deepEqual(bench.judge(syn(81)), { pass: false, reason: "conntrack-allowance", tracking: "none", rule: 3 });
  assert.equal("rule" in bench.judge(syn(81, "198.18.0.1")), false);
});
