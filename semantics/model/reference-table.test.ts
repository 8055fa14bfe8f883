import assert from "node:assert/strict";
import { test } from "node:test";
import type { Policy } from "../test/bench.ts";
import { Bench } from "../test/bench.ts";
import { echo, other, type Sent, tcp, udp } from "../test/packets.ts";

const client = "203.0.113.1";
const stranger = "198.51.100.7";
const client6 = "2001:db8::1";

const t1 = [
  "in tcp 22 from 203.0.113.1/32",
  "in tcp 80 from 0.0.0.0/0",
  "in tcp 80 from ::/0",
  "in icmp from 0.0.0.0/0",
];
const allOut = ["out all to 0.0.0.0/0", "out all to ::/0"];

const enters = (remote: string, port: number, flags = "SYN", remotePort = 40_000): Sent =>
  tcp("ingress", { remote, port, remotePort }, flags);
const leaves = (remote: string, port: number, flags = "SYN,ACK", remotePort = 40_000): Sent =>
  tcp("egress", { remote, port, remotePort }, flags);
/** A connection of the pod's own to a port of the remote. */
const opens = (remote: string, remotePort: number, flags = "SYN"): Sent =>
  tcp("egress", { remote, port: 50_000, remotePort }, flags);

interface Row {
  readonly row: string;
  readonly policy: Policy;
  readonly packets: readonly (readonly [Sent, string])[];
}

const table: readonly Row[] = [
  {
    row: "T1",
    policy: { rules: [...t1, ...allOut] },
    packets: [
      [enters(client, 22), "rule tracked"],
      [enters(stranger, 22), "no-rule"],
      [enters(stranger, 80), "untracked untracked"],
      [leaves(stranger, 80), "untracked untracked"],
      [enters(client6, 80), "untracked untracked"],
      [echo("ingress", stranger, "request"), "rule tracked"],
    ],
  },
  {
    row: "T2",
    policy: { rules: [...t1, "out all to ::/0"] },
    packets: [
      [enters(client, 22), "rule tracked"],
      [enters(stranger, 80), "rule tracked"],
      [enters(client6, 80), "untracked untracked"],
    ],
  },
  {
    row: "T2a",
    policy: { rules: t1 },
    packets: [
      [enters(stranger, 80), "rule tracked"],
      [enters(client6, 80), "rule tracked"],
      [leaves(client6, 80), "connection tracked"],
      [opens(stranger, 443), "no-rule"],
    ],
  },
  {
    row: "T2b",
    policy: { rules: [...t1, "out all to 0.0.0.0/0"] },
    packets: [
      [enters(stranger, 80), "untracked untracked"],
      [enters(client6, 80), "rule tracked"],
    ],
  },
  {
    row: "T3",
    policy: { rules: ["tcp", "udp"].flatMap((p) => [`in ${p} 53 from 0.0.0.0/0`, `out ${p} * to 0.0.0.0/0`]) },
    packets: [
      [udp("ingress", { remote: stranger, port: 53, remotePort: 5000 }), "untracked untracked"],
      [udp("egress", { remote: stranger, port: 53, remotePort: 5000 }), "untracked untracked"],
      [enters(stranger, 53), "untracked untracked"],
      [opens(stranger, 53), "rule tracked"],
    ],
  },
  {
    row: "T4",
    policy: { rules: ["tcp", "udp"].flatMap((p) => [`in ${p} * from 0.0.0.0/0`, `out ${p} 53 to 0.0.0.0/0`]) },
    packets: [
      [udp("egress", { remote: stranger, port: 5000, remotePort: 53 }), "untracked untracked"],
      [udp("ingress", { remote: stranger, port: 5000, remotePort: 53 }), "untracked untracked"],
      [opens(stranger, 53), "untracked untracked"],
      [enters(stranger, 53), "rule tracked"],
    ],
  },
  {
    row: "T5",
    policy: {
      rules: ["in tcp 22 from sg:default/own", "in tcp 443 from 203.0.113.1/32", ...allOut],
      groups: { "default/own": ["10.244.0.10/32", "10.244.0.11/32"] },
    },
    packets: [
      [enters("10.244.0.11", 22), "rule tracked"],
      [enters(client, 443), "rule tracked"],
      [enters(client, 22), "no-rule"],
    ],
  },
  {
    row: "T6",
    policy: { rules: ["in tcp 80 from 0.0.0.0/0", "out all to 0.0.0.0/0"] },
    packets: [
      [opens(stranger, 443), "rule tracked"],
      [tcp("ingress", { remote: stranger, port: 50_000, remotePort: 443 }, "SYN,ACK"), "connection tracked"],
    ],
  },
  {
    row: "T7",
    policy: { rules: ["in tcp * from 0.0.0.0/0", "out tcp 443 to 0.0.0.0/0"] },
    packets: [
      [opens(stranger, 443), "untracked untracked"],
      [enters(stranger, 22), "rule tracked"],
    ],
  },
  {
    row: "T8",
    // The operator unites group A's rule and group B's into one rule set (S-2).
    policy: { rules: ["in tcp 80 from 0.0.0.0/0", "out all to 0.0.0.0/0"] },
    packets: [[enters(stranger, 80), "untracked untracked"]],
  },
];

for (const { row, policy, packets } of table) {
  test(`${row}: tracked or not, by the rules alone (S-50)`, () => {
    const bench = new Bench(policy);
    assert.deepEqual(
      packets.map(([sent]) => bench.says(sent)),
      packets.map(([, expected]) => expected),
    );
  });
}

/** Opens the connection from the client to port 22 of the pod, whatever keeps it. */
function connect(bench: Bench, remote = client): readonly string[] {
  return [enters(remote, 22), leaves(remote, 22), enters(remote, 22, "ACK")].map((sent) => bench.says(sent));
}

const untrackedSession = Array(3).fill("untracked untracked");

test("T9, T9a: a session that was untracked is cut when its rule goes, whoever speaks next (S-53)", () => {
  const open = ["in tcp 22 from 0.0.0.0/0", ...allOut];
  const bench = new Bench({ rules: open });
  assert.deepEqual(connect(bench), untrackedSession);
  bench.change({ rules: allOut });
  assert.equal(bench.says(leaves(client, 22, "ACK")), "rule none");
  assert.equal(bench.says(enters(client, 22, "ACK")), "no-rule");
  assert.deepEqual(bench.rows, []);
});

test("T9b: narrowed to the client's network, its session goes on tracked and another's is cut (S-53, S-58)", () => {
  const bench = new Bench({ rules: ["in tcp 22 from 0.0.0.0/0", ...allOut] });
  assert.deepEqual([...connect(bench), ...connect(bench, stranger)], [...untrackedSession, ...untrackedSession]);
  bench.change({ rules: ["in tcp 22 from 203.0.113.0/24", ...allOut] });
  assert.equal(bench.says(enters(client, 22, "ACK")), "rule tracked");
  assert.equal(bench.says(leaves(client, 22, "ACK")), "connection tracked");
  assert.deepEqual(bench.states, ["established"]);
  assert.equal(bench.says(enters(stranger, 22, "ACK")), "no-rule");
  assert.equal(bench.says(leaves(stranger, 22, "ACK")), "rule none");
});

test("T10, T10a: a tracked session outlives its rule, a new one needs a rule (S-54)", () => {
  const bench = new Bench({ rules: ["in tcp 22 from 203.0.113.1/32", ...allOut] });
  assert.deepEqual(connect(bench), ["rule tracked", "connection tracked", "connection tracked"]);
  bench.change({ rules: allOut });
  assert.equal(bench.says(enters(client, 22, "ACK")), "connection tracked");
  bench.change({ rules: ["in tcp 22 from 198.51.100.7/32", ...allOut] });
  assert.equal(bench.says(leaves(client, 22, "ACK")), "connection tracked");
  assert.equal(bench.says(enters(client, 22, "SYN", 40_001)), "no-rule");
  assert.equal(bench.says(enters(stranger, 22)), "rule tracked");
});

test("T11: without rules to leave by, HTTP is cut and SSH lives on (S-53, S-54)", () => {
  const bench = new Bench({ rules: [...t1, ...allOut] });
  connect(bench);
  for (const sent of [enters(stranger, 80), leaves(stranger, 80), enters(stranger, 80, "ACK")])
    assert.equal(bench.says(sent), "untracked untracked");
  bench.change({ rules: t1 });
  assert.equal(bench.says(leaves(stranger, 80, "ACK")), "no-rule");
  assert.equal(bench.says(enters(stranger, 80, "ACK")), "rule none");
  assert.deepEqual(bench.states, ["established"], "SSH alone has an entry");
  assert.equal(bench.says(leaves(client, 22, "ACK")), "connection tracked");
  assert.equal(bench.says(enters(stranger, 80, "SYN", 40_001)), "rule tracked");
});

const mirror = (sent: Sent, remote: string): Sent => {
  const { transport } = sent.packet;
  const ends = { remote, port: 40_000, remotePort: 7 };
  if (transport.kind === "tcp") return tcp("egress", ends, "SYN");
  return transport.kind === "udp" ? udp("egress", ends) : echo("egress", remote, "request");
};

test("T12: what is asked is answered although nothing may leave, and the mirror image", () => {
  const ends = { remote: stranger, port: 7, remotePort: 40_000 };
  const asked = [tcp("ingress", ends, "SYN"), udp("ingress", ends), echo("ingress", stranger, "request")];
  const answers = [tcp("egress", ends, "SYN,ACK"), udp("egress", ends), echo("egress", stranger, "reply")];
  const services = ["tcp 7", "udp 7", "icmp"];

  const bench = new Bench({ rules: services.map((what) => `in ${what} from 0.0.0.0/0`) });
  for (const sent of asked) assert.equal(bench.says(sent), "rule tracked");
  for (const sent of answers) assert.equal(bench.says(sent), "connection tracked");
  assert.equal(bench.says(echo("egress", stranger, "request")), "no-rule");

  const mirrored = new Bench({ rules: services.map((what) => `out ${what} to 0.0.0.0/0`) });
  for (const sent of asked) assert.equal(mirrored.says(mirror(sent, stranger)), "rule tracked");
  const back = { remote: stranger, port: 40_000, remotePort: 7 };
  assert.equal(mirrored.says(tcp("ingress", back, "SYN,ACK")), "connection tracked");
  assert.equal(mirrored.says(udp("ingress", back)), "connection tracked");
  assert.equal(mirrored.says(echo("ingress", stranger, "reply")), "connection tracked");
  assert.equal(mirrored.says(echo("ingress", stranger, "request")), "no-rule");
});

test("T13: another protocol passes both ways for 600 s after its last packet (S-32)", () => {
  const bench = new Bench({ rules: [`out 253 to ${client}/32`] });
  const back = other("ingress", client, 253);
  assert.equal(bench.says(back), "no-rule");
  assert.equal(bench.says(other("egress", client, 253)), "rule tracked");
  assert.equal(bench.says(back), "connection tracked");
  bench.advance(599);
  assert.equal(bench.says(back), "connection tracked");
  assert.equal(bench.says(other("ingress", stranger, 253)), "no-rule");
  assert.equal(bench.says(other("ingress", client, 254)), "no-rule");
  bench.advance(601);
  assert.equal(bench.says(back), "no-rule");
});

test("T14: a network ACL cuts a tracked session at once, in either direction (S-88, S-89)", () => {
  for (const acl of [
    ["100 deny in tcp * from 0.0.0.0/0", "200 allow in all from 0.0.0.0/0", "100 allow out all to 0.0.0.0/0"],
    ["100 allow in all from 0.0.0.0/0", "100 allow out tcp 1-1023 to 0.0.0.0/0"],
  ]) {
    const bench = new Bench({ rules: ["in tcp 22 from 203.0.113.1/32", ...allOut] });
    connect(bench);
    bench.change({ acl });
    const denied = acl[0]?.includes("deny") ? enters(client, 22, "ACK") : leaves(client, 22, "ACK");
    assert.equal(bench.says(denied), "acl-deny");
  }
});

test("T15: at the maximum only what needs a new entry is dropped (S-70)", () => {
  const bench = new Bench({ rules: [...t1, ...allOut], allowances: { conntrackMax: 1 } });
  connect(bench);
  assert.equal(bench.says(opens(stranger, 443)), "conntrack-allowance");
  assert.equal(bench.says(echo("ingress", stranger, "request")), "conntrack-allowance");
  assert.equal(bench.metrics.conntrack_allowance_exceeded, 2);
  assert.equal(bench.says(enters(client, 22, "ACK")), "connection tracked");
  assert.equal(bench.says(enters(stranger, 80)), "untracked untracked");
  bench.advance(350);
  assert.equal(bench.says(opens(stranger, 443)), "rule tracked");
  assert.equal(bench.says(opens(stranger, 444)), "conntrack-allowance");
  bench.change({ allowances: { conntrackMax: 2 } });
  assert.equal(bench.says(opens(stranger, 444)), "rule tracked");
});

const paths: readonly { readonly path: string; readonly policy: Policy; readonly outside: Sent | undefined }[] = [
  { path: "a Service's local port", policy: { trackedPorts: [{ protocol: 6, port: 80 }] }, outside: undefined },
  {
    path: "a listed CIDR",
    policy: { tracking: { cidrs: ["203.0.113.0/24" as never] } },
    outside: enters(stranger, 80),
  },
  {
    path: "everything outside the cluster",
    policy: { tracking: { outsideCluster: true, clusterCidrs: ["10.0.0.0/8" as never] } },
    outside: enters("10.9.9.9", 80),
  },
];

for (const { path, policy, outside } of paths) {
  test(`T16: port 80 through ${path} is tracked and survives its rule (S-60)`, () => {
    const bench = new Bench({ rules: [...t1, ...allOut], ...policy });
    assert.equal(bench.says(enters(client, 80)), "rule tracked");
    if (outside !== undefined) assert.equal(bench.says(outside), "untracked untracked");
    assert.equal(bench.says(leaves(client, 80)), "connection tracked");
    bench.change({ rules: allOut });
    assert.equal(bench.says(enters(client, 80, "ACK")), "connection tracked");
  });
}
