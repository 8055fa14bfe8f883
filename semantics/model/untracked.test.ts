import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "../test/bench.ts";
import { type Sent, tcp, udp } from "../test/packets.ts";

const remote = "198.51.100.7";
const web = ["in tcp 80 from 0.0.0.0/0", "out all to 0.0.0.0/0"];

const enters = (flags: string, port = 80): Sent => tcp("ingress", { remote, port, remotePort: 40_000 }, flags);
const leaves = (flags: string, port = 80): Sent => tcp("egress", { remote, port, remotePort: 40_000 }, flags);

const nearMisses: readonly { readonly what: string; readonly rules: readonly string[] }[] = [
  {
    what: "two halves of the address space in",
    rules: ["in tcp 80 from 0.0.0.0/1", "in tcp 80 from 128.0.0.0/1", "out all to 0.0.0.0/0"],
  },
  { what: "two halves out", rules: ["in tcp 80 from 0.0.0.0/0", "out all to 0.0.0.0/1", "out all to 128.0.0.0/1"] },
  { what: "ports 1-65535 out", rules: ["in tcp 80 from 0.0.0.0/0", "out tcp 1-65535 to 0.0.0.0/0"] },
  {
    what: "ports in two ranges out",
    rules: ["in tcp 80 from 0.0.0.0/0", "out tcp 0-99 to 0.0.0.0/0", "out tcp 100-65535 to 0.0.0.0/0"],
  },
  { what: "a prefix list with /0", rules: ["in tcp 80 from pl:any", "out all to 0.0.0.0/0"] },
  { what: "UDP out", rules: ["in tcp 80 from 0.0.0.0/0", "out udp * to 0.0.0.0/0"] },
  { what: "IPv6 out", rules: ["in tcp 80 from 0.0.0.0/0", "out all to ::/0"] },
  { what: "nothing out", rules: ["in tcp 80 from 0.0.0.0/0"] },
];

for (const { what, rules } of nearMisses) {
  test(`S-57: ${what} is not any peer and all ports`, () => {
    assert.equal(new Bench({ rules, prefixLists: { any: ["0.0.0.0/0"] } }).says(enters("SYN")), "rule tracked");
  });
}

test("S-50: one literal rule of all ports counts, whether it says tcp or all", () => {
  for (const out of ["out all to 0.0.0.0/0", "out tcp * to 0.0.0.0/0", "out tcp 0-65535 to 0.0.0.0/0"])
    assert.equal(new Bench({ rules: ["in tcp 80 from 0.0.0.0/0", out] }).says(enters("SYN")), "untracked untracked");
});

test("S-33: a rule for everything leaves other protocols tracked", () => {
  const bench = new Bench({ rules: ["in all from 0.0.0.0/0", "out all to 0.0.0.0/0"] });
  assert.equal(bench.says(enters("SYN", 7)), "untracked untracked");
  assert.equal(
    bench.says({ ...enters("SYN"), packet: { ...enters("SYN").packet, transport: { kind: "other", protocol: 253 } } }),
    "rule tracked",
  );
});

test("S-51: the families are independent", () => {
  const bench = new Bench({ rules: [...web, "in tcp 80 from ::/0"] });
  const six = (flags: string) => tcp("ingress", { remote: "2001:db8::1", port: 80, remotePort: 40_000 }, flags);
  assert.equal(bench.says(enters("SYN")), "untracked untracked");
  assert.equal(bench.says(six("SYN")), "rule tracked");
});

test("S-55: untracked flows use no allowance and no memory", () => {
  const bench = new Bench({ rules: web, allowances: { conntrackMax: 0 } });
  for (let port = 1; port < 100; port++)
    assert.equal(bench.says(tcp("ingress", { remote, port: 80, remotePort: port }, "SYN")), "untracked untracked");
  assert.equal(bench.metrics.conntrack_used, 0);
  assert.equal(bench.metrics.conntrack_allowance_exceeded, 0);
});

test("S-56: a SYN shows its orientation, every other packet fits either", () => {
  const bench = new Bench({ rules: web });
  const outward = (flags: string) => tcp("egress", { remote, port: 80, remotePort: 443 }, flags);
  assert.equal(bench.says(outward("SYN")), "rule tracked", "U_out(443) does not hold");
  assert.equal(bench.says(outward("ACK")), "untracked untracked", "U_in(80) does");
  assert.equal(bench.says(outward("SYN,ACK")), "untracked untracked");
  const datagram = udp("egress", { remote, port: 80, remotePort: 443 });
  assert.equal(bench.says(datagram), "rule tracked");
  bench.change({ rules: ["in udp 80 from 0.0.0.0/0", "out all to 0.0.0.0/0"] });
  assert.equal(bench.says(datagram), "untracked untracked", "UDP shows no orientation");
});

test("S-53, S-58: a flow that a change makes tracked gets its entry at its next permitted packet", () => {
  const bench = new Bench({ rules: [...web, "in udp 53 from 0.0.0.0/0"] });
  const query = udp("ingress", { remote, port: 53, remotePort: 5000 });
  assert.deepEqual([bench.says(enters("SYN")), bench.says(query)], Array(2).fill("untracked untracked"));
  const narrow = ["in all from 198.51.100.0/24", "out all to 0.0.0.0/0"];
  bench.change({ rules: narrow });
  assert.deepEqual([bench.says(leaves("ACK")), bench.says(query)], Array(2).fill("rule tracked"));
  assert.equal(bench.rows.length, 2);
});

test("S-58: a flow that becomes untracked leaves its entry alone, which keeps its protection until it expires", () => {
  const bench = new Bench({ rules: ["in tcp 80 from 198.51.100.0/24", "out all to 0.0.0.0/0"] });
  for (const sent of [enters("SYN"), leaves("SYN,ACK"), enters("ACK")]) bench.says(sent);
  bench.change({ rules: web });
  bench.advance(300);
  assert.equal(bench.says(enters("ACK")), "untracked untracked");
  assert.equal(bench.says(enters("RST")), "untracked untracked");
  assert.deepEqual(
    bench.rows.map(({ idle, state }) => [idle, state]),
    [[300, "established"]],
  );
  bench.change({ rules: [] });
  assert.equal(bench.says(enters("ACK")), "connection tracked");
});

test("S-60: what a path tracks is tracked by local port and protocol, or by remote", () => {
  const open = ["in all from 0.0.0.0/0", "out all to 0.0.0.0/0"];
  const byPort = new Bench({ rules: open, trackedPorts: [{ protocol: 6, port: 80 }] });
  assert.equal(byPort.says(enters("SYN")), "rule tracked");
  assert.equal(byPort.says(enters("SYN", 81)), "untracked untracked");
  assert.equal(byPort.says(udp("ingress", { remote, port: 80, remotePort: 1 })), "untracked untracked");
  assert.equal(byPort.says(tcp("egress", { remote, port: 9, remotePort: 80 }, "SYN")), "untracked untracked");
  assert.equal(byPort.metrics.conntrack_used, 1);
  const outside = new Bench({
    rules: [...open, "in all from ::/0", "out all to ::/0"],
    tracking: { outsideCluster: true, clusterCidrs: ["198.51.100.0/24" as never], cidrs: ["198.51.100.8/32" as never] },
  });
  assert.equal(outside.says(enters("SYN")), "untracked untracked");
  assert.equal(
    outside.says(tcp("ingress", { remote: "198.51.100.8", port: 80, remotePort: 1 }, "SYN")),
    "rule tracked",
    "listed, also inside",
  );
  assert.equal(
    outside.says(tcp("ingress", { remote: "2001:db8::1", port: 80, remotePort: 1 }, "SYN")),
    "rule tracked",
    "outside",
  );
});
