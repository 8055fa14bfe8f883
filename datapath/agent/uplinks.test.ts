import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { enterSandbox, ip, sandboxBpffs } from "../loader/test/sandbox.ts";
import { queueingProblem, readUplinks } from "./uplinks.ts";

enterSandbox();
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
for (const name of ["one", "two", "aside"]) {
  ip(`link add ${name} type veth peer name ${name}-peer`);
  ip(`link set ${name} up`);
}
ip("address add 203.0.113.2/24 dev one");
ip("address add 198.51.100.2/24 dev two");

const names = () =>
  readUplinks()
    .map(({ name }) => name)
    .sort();

test("packets can wait where all uplinks have fq, be it behind mq", () => {
  assert.equal(queueingProblem([{ name: "eth0", qdiscs: ["fq"] }]), undefined);
  const spread = { name: "eth1", qdiscs: ["mq", "fq", "fq"] };
  assert.equal(queueingProblem([{ name: "eth0", qdiscs: ["fq"] }, spread]), undefined);
});

for (const qdiscs of [["fq_codel"], ["mq", "fq", "pfifo_fast"], ["mq"], ["htb", "fq"], []]) {
  test(`packets can't wait on an uplink with ${qdiscs.join(", ") || "no qdisc"}, and it is named`, () => {
    const uplinks = [
      { name: "eth0", qdiscs: ["fq"] },
      { name: "eth1", qdiscs },
    ];
    assert.match(queueingProblem(uplinks) ?? "", /^eth1 has the qdisc .*: give it fq/);
  });
}

test("the uplinks are the interfaces of the default routes of both families, and of each next hop", () => {
  assert.deepEqual(names(), []);
  assert.match(queueingProblem(readUplinks()) ?? "", /no default route/);
  ip("route add 192.0.2.0/24 via 203.0.113.1");
  ip("-6 route add unreachable default metric 4096");
  assert.deepEqual(names(), []);
  ip("route add default via 203.0.113.1");
  assert.deepEqual(readUplinks(), [{ name: "one", qdiscs: ["noqueue"] }]);
  ip("-6 route add default dev two");
  assert.deepEqual(names(), ["one", "two"]);
  ip("-6 route del default dev two");
  ip("route replace default nexthop via 203.0.113.1 nexthop via 198.51.100.1");
  assert.deepEqual(names(), ["one", "two"]);
});

test("clsact is no qdisc that packets wait in", () => {
  ip("route replace default via 203.0.113.1");
  spawnSync("tc", ["qdisc", "add", "dev", "one", "clsact"]);
  assert.deepEqual(readUplinks(), [{ name: "one", qdiscs: ["noqueue"] }]);
});

test("an agent that is to let packets wait where they can't says what is missing, and runs", () => {
  const bpffs = join(sandboxBpffs, "agent");
  mkdirSync(bpffs);
  const object = path("../../build/bpf/sallyport.bpf.o");
  const args = ["--queue-egress", "--bpffs", bpffs, "--object", object, "--clock", "standing", "--table-size", "64"];
  const { status, stderr } = spawnSync(process.execPath, [path("main.ts"), ...args], { input: "", encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^sallyport agent: --queue-egress: one has the qdisc noqueue: give it fq .* is dropped\n$/);
});
