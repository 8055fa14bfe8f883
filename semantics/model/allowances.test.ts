import assert from "node:assert/strict";
import { test } from "node:test";
import { createModel } from "../model.ts";
import type { Allowances } from "../policy.ts";
import { Bench, compiled, nodeAddresses } from "../test/bench.ts";
import { changed, echo, pod, type Sent, tcp, udp } from "../test/packets.ts";

const remote = "203.0.113.1";
const dns = "10.96.0.10";
const inOnly = [`in all from ${remote}/32`];
const open = ["in all from 0.0.0.0/0", "out all to 0.0.0.0/0"];

const datagram = (port: number, length = 100): Sent =>
  changed(udp("ingress", { remote, port, remotePort: 4000 }), { length });
const answer = (port: number, length = 100): Sent =>
  changed(udp("egress", { remote, port, remotePort: 4000 }), { length });
const query = udp("egress", { remote: dns, port: 5000, remotePort: 53 });

/** How many of the packets pass. */
function passing(bench: Bench, packets: readonly Sent[]): number {
  return packets.filter((sent) => bench.judge(sent).pass).length;
}

const times = (count: number, make: (index: number) => Sent): Sent[] =>
  Array.from({ length: count }, (_, i) => make(i));

function limited(allowances: Partial<Allowances>, rules = open): Bench {
  return new Bench({ rules, allowances, dns: [dns] });
}

test("S-70: at the maximum what needs a new entry is dropped and counted, once", () => {
  const bench = limited({ conntrackMax: 5 }, inOnly);
  assert.equal(passing(bench, times(8, datagram)), 5);
  assert.equal(bench.says(datagram(0)), "connection tracked");
  const { conntrack_used, conntrack_max, conntrack_allowance_available, conntrack_allowance_exceeded } = bench.metrics;
  assert.deepEqual(
    [conntrack_used, conntrack_max, conntrack_allowance_available, conntrack_allowance_exceeded],
    [5, 5, 0, 3],
  );
});

test("S-70: a maximum of 0 admits no entry, and untracked flows go on", () => {
  assert.equal(limited({ conntrackMax: 0 }, inOnly).says(datagram(1)), "conntrack-allowance");
  assert.equal(limited({ conntrackMax: 0 }, open).says(datagram(1)), "untracked untracked");
});

test("S-71: a smaller maximum evicts nothing and refuses new entries until the count is below it", () => {
  const bench = limited({ conntrackMax: 3 }, inOnly);
  passing(bench, times(3, datagram));
  bench.advance(20);
  bench.change({ allowances: { conntrackMax: 2 } });
  assert.equal(passing(bench, times(2, datagram)), 2);
  assert.equal(bench.metrics.conntrack_allowance_available, 0, "never negative");
  assert.equal(bench.says(datagram(9)), "conntrack-allowance");
  bench.advance(10);
  assert.equal(bench.metrics.conntrack_used, 2);
  assert.equal(bench.says(datagram(9)), "conntrack-allowance");
  bench.advance(20);
  assert.equal(bench.says(datagram(9)), "rule tracked");
});

test("S-71: an expired entry of the flow itself is no claim to a place", () => {
  const bench = limited({ conntrackMax: 3, timeouts: { tcpEstablished: 350, udpStream: 180, udp: 60 } }, inOnly);
  passing(bench, times(3, datagram));
  bench.advance(40);
  bench.change({ allowances: { conntrackMax: 2, timeouts: { tcpEstablished: 350, udpStream: 180, udp: 30 } } });
  assert.equal(bench.says(datagram(0)), "conntrack-allowance");
  assert.equal(bench.says(datagram(1)), "rule tracked");
});

test("S-71: one pod neither uses nor evicts another's entries; S-72: the node's table is counted apart", () => {
  const state = compiled({ rules: inOnly, allowances: { conntrackMax: 10 } });
  const [first] = state.node.endpoints;
  assert.ok(first);
  const twin = { ...first, pod: { ...first.pod, name: "twin", uid: "twin" } };
  const model = createModel({ tableSize: 12 });
  const facts = [
    { uid: pod.uid, addresses: [pod.v4], adopt: false },
    { uid: "twin", addresses: [pod.v4], adopt: false },
  ];
  model.program({ ...state, node: { ...state.node, endpoints: [first, twin] } }, { nodeAddresses }, facts);
  const send = (uid: string, port: number) => model.judge(uid, "ingress", datagram(port).packet).reason;
  for (let port = 0; port < 20; port++) send(pod.uid, port);
  assert.equal(model.metrics(pod.uid).conntrack_used, 10);
  assert.equal(model.metrics("twin").conntrack_used, 0);
  assert.deepEqual(
    [1, 2, 3].map((port) => send("twin", port)),
    ["rule", "rule", "table-full"],
  );
  assert.equal(send("twin", 1), "connection");
  const { conntrack_table_full, conntrack_allowance_exceeded, conntrack_allowance_available } = model.metrics("twin");
  assert.deepEqual([conntrack_table_full, conntrack_allowance_exceeded, conntrack_allowance_available], [1, 0, 8]);
  assert.equal(model.metrics(pod.uid).conntrack_allowance_exceeded, 10, "over its own allowance first");
  model.program({ ...state, node: { ...state.node, endpoints: [twin] } }, { nodeAddresses }, facts.slice(1));
  assert.equal(send("twin", 3), "rule", "a pod that goes leaves its places");
});

test("S-73: counters go on through every change of policy", () => {
  const bench = limited({ conntrackMax: 0 }, inOnly);
  bench.judge(datagram(1));
  bench.change({ rules: undefined });
  bench.change({ closed: "invalid" });
  bench.change({ closed: undefined, rules: inOnly });
  bench.judge(datagram(1));
  assert.equal(bench.metrics.conntrack_allowance_exceeded, 2);
  assert.deepEqual(bench.metrics.packets.ingress, { "conntrack-allowance": 2 });
});

test("S-74: the packet rate is one bucket for both directions; within the burst nothing counts", () => {
  const bench = limited({ packets: { perSecond: 2, burst: 10 } });
  assert.equal(passing(bench, [...times(6, datagram), ...times(6, answer)]), 10);
  assert.equal(bench.metrics.pps_allowance_exceeded, 2);
  bench.advance(0.25);
  assert.equal(passing(bench, times(1, datagram)), 0, "half a packet");
  bench.advance(0.25);
  assert.equal(passing(bench, times(2, datagram)), 1);
  bench.advance(1000);
  assert.equal(passing(bench, times(20, datagram)), 10, "never more than the burst");
});

test("S-74: bandwidth is bits per second and bytes of burst, for each direction", () => {
  const bench = limited({
    bandwidthIn: { perSecond: 8000, burst: 1000 },
    bandwidthOut: { perSecond: 800, burst: 300 },
  });
  assert.equal(passing(bench, times(12, datagram)), 10);
  assert.equal(passing(bench, times(4, answer)), 3);
  const { bw_in_allowance_exceeded, bw_out_allowance_exceeded } = bench.metrics;
  assert.deepEqual([bw_in_allowance_exceeded, bw_out_allowance_exceeded], [2, 1]);
  bench.advance(0.25);
  assert.equal(passing(bench, [datagram(1, 251)]), 0, "250 bytes came in a quarter second");
  assert.equal(passing(bench, [datagram(1, 250)]), 1, "and a packet that was dropped took none");
});

test("S-74: rates that do not divide by the clock lose nothing", () => {
  const bench = limited({ packets: { perSecond: 3, burst: 3 } });
  passing(bench, times(3, datagram));
  let passed = 0;
  for (let quarter = 0; quarter < 400; quarter++) {
    bench.advance(0.25);
    passed += passing(bench, times(2, datagram));
  }
  assert.equal(passed, 300);
});

test("S-74: a very high rate is exact too", () => {
  const bench = limited({ bandwidthIn: { perSecond: 1e15, burst: 1e15 } });
  bench.advance(432_000);
  assert.equal(
    passing(
      bench,
      times(5, (port) => datagram(port, 1500)),
    ),
    5,
  );
});

test("S-74: a rate that changes holds at once, and what is in the bucket stays as far as it fits", () => {
  const bench = limited({ packets: { perSecond: 1, burst: 10 } });
  passing(bench, times(4, datagram));
  bench.change({ allowances: { packets: { perSecond: 1, burst: 3 } } });
  assert.equal(passing(bench, times(9, datagram)), 3);
  bench.change({ allowances: { packets: { perSecond: 100, burst: 100 } } });
  assert.equal(passing(bench, times(9, datagram)), 0, "a change brings no tokens");
  bench.advance(1);
  assert.equal(passing(bench, times(200, datagram)), 100);
  bench.change({ allowances: {} });
  assert.equal(passing(bench, times(200, datagram)), 200);
});

test("S-75: packets to link-local services and DNS have a rate; their answers are free", () => {
  const bench = limited({ linkLocal: { perSecond: 4, burst: 2 } }, []);
  const service = tcp("egress", { remote: "169.254.169.254", port: 1, remotePort: 80 }, "SYN");
  const nodeLink = udp("egress", { remote: "fe80::1", port: 1, remotePort: 2 });
  assert.deepEqual(
    [query, service, nodeLink, query].map((sent) => bench.says(sent)),
    ["exempt none", "exempt none", "linklocal-allowance", "linklocal-allowance"],
  );
  assert.equal(bench.says(udp("ingress", { remote: dns, port: 5000, remotePort: 53 })), "exempt none");
  assert.equal(bench.metrics.linklocal_allowance_exceeded, 2);
  bench.advance(0.25);
  assert.deepEqual(
    [nodeLink, query].map((sent) => bench.says(sent)),
    ["exempt none", "linklocal-allowance"],
  );
});

test("S-75: link-local, packet rate, bandwidth, entry: a packet counts at the first that it is over", () => {
  const none = { perSecond: 1, burst: 0 };
  const over = (allowances: Partial<Allowances>, sent: Sent) => {
    const bench = limited({ conntrackMax: 0, ...allowances }, inOnly);
    const reason = bench.says(sent);
    const { packets, ...metrics } = bench.metrics;
    const counted = Object.entries(metrics).filter(([name, value]) => /exceeded|full/.test(name) && value > 0);
    assert.equal(counted.length, 1, "counts once");
    return reason;
  };
  assert.equal(over({ linkLocal: none, packets: none, bandwidthOut: none }, query), "linklocal-allowance");
  assert.equal(over({ packets: none, bandwidthOut: none }, query), "packet-allowance");
  assert.equal(over({ bandwidthOut: none }, query), "bandwidth-allowance");
  assert.equal(over({ packets: none, bandwidthIn: none }, datagram(1)), "packet-allowance");
  assert.equal(over({ bandwidthIn: none }, datagram(1)), "bandwidth-allowance");
  assert.equal(over({}, datagram(1)), "conntrack-allowance");
});

test("S-75: a policed packet makes no entry, refreshes none, and takes nothing of the later allowances", () => {
  const bench = limited({ packets: { perSecond: 1, burst: 1 }, bandwidthIn: { perSecond: 8, burst: 200 } }, inOnly);
  assert.equal(bench.says(datagram(1)), "rule tracked");
  assert.equal(bench.says(datagram(2)), "packet-allowance");
  assert.equal(bench.metrics.conntrack_used, 1);
  bench.change({ allowances: { bandwidthIn: { perSecond: 8, burst: 200 } } });
  assert.equal(bench.says(datagram(1)), "connection tracked", "100 bytes of 200 are left");
  bench.advance(5);
  assert.equal(bench.says(datagram(1)), "bandwidth-allowance");
  assert.deepEqual(
    bench.rows.map(({ idle }) => idle),
    [5],
  );
});

test("rates hold also for a pod without groups, and for denied packets, but not for neighbour discovery", () => {
  const unfiltered = new Bench({
    allowances: { packets: { perSecond: 1, burst: 1 }, linkLocal: { perSecond: 0, burst: 0 } },
  });
  assert.equal(
    unfiltered.says(tcp("egress", { remote: "169.254.169.254", port: 1, remotePort: 80 }, "SYN")),
    "linklocal-allowance",
  );
  assert.equal(unfiltered.says(datagram(1)), "unfiltered none");
  assert.equal(unfiltered.says(datagram(1)), "packet-allowance");
  const denied = limited({ packets: { perSecond: 1, burst: 1 } }, []);
  assert.deepEqual([denied.says(datagram(1)), denied.says(datagram(1))], ["no-rule", "packet-allowance"]);
  const discovery = changed(echo("ingress", "fe80::77", "request"), {
    hopLimit: 255,
    transport: { kind: "icmp", type: 135, code: 0, id: 0 },
  });
  assert.equal(denied.says(discovery), "exempt none");
});
