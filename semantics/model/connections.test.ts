import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, type Policy } from "../test/bench.ts";
import { echo, icmp, other, type Sent, tcp, udp } from "../test/packets.ts";

const remote = "203.0.113.1";
const ends = { remote, port: 22, remotePort: 40_000 };
const enters = (flags: string): Sent => tcp("ingress", ends, flags);
const leaves = (flags: string): Sent => tcp("egress", ends, flags);

/** Permits the remote in, tracked, and nothing out. */
const inOnly: Policy = { rules: [`in all from ${remote}/32`] };
const bothWays: Policy = { rules: [`in all from ${remote}/32`, `out all to ${remote}/32`] };

function play(bench: Bench, ...packets: readonly Sent[]): readonly string[] {
  return packets.map((sent) => bench.says(sent));
}

function established(policy: Policy = inOnly): Bench {
  const bench = new Bench(policy);
  play(bench, enters("SYN"), leaves("SYN,ACK"), enters("ACK"));
  assert.deepEqual(bench.states, ["established"]);
  return bench;
}

/** Whether the only entry lives for exactly so many seconds without a packet. */
function assertIdleTimeout(bench: Bench, seconds: number): void {
  assert.deepEqual(
    bench.rows.map(({ remaining }) => remaining),
    [seconds],
  );
  bench.advance(seconds - 0.25);
  assert.equal(bench.rows.length, 1, `alive just before ${seconds} s`);
  bench.advance(0.25);
  assert.equal(bench.rows.length, 0, `gone at ${seconds} s`);
}

test("S-30: a packet of a tracked connection passes both ways without rules", () => {
  const bench = established();
  bench.change({ rules: [] });
  assert.deepEqual(play(bench, enters("ACK"), leaves("PSH,ACK")), ["connection tracked", "connection tracked"]);
});

test("S-31: a TCP or UDP flow is its 5-tuple", () => {
  const bench = established();
  bench.change({ rules: [] });
  for (const near of [
    { ...ends, remotePort: 40_001 },
    { ...ends, port: 23 },
    { ...ends, remote: "203.0.113.2" },
  ])
    assert.equal(bench.says(tcp("ingress", near, "ACK")), "no-rule");
  assert.equal(bench.says(udp("ingress", ends)), "no-rule");
});

test("S-31: an echo entry admits replies, never the other side's request with its identifier", () => {
  const bench = new Bench({ rules: [`out icmp to ${remote}/32`] });
  assert.equal(bench.says(echo("ingress", remote, "reply", 7)), "no-rule");
  assert.equal(bench.says(echo("egress", remote, "request", 7)), "rule tracked");
  assert.equal(bench.says(echo("ingress", remote, "reply", 7)), "connection tracked");
  assert.equal(bench.says(echo("ingress", remote, "reply", 8)), "no-rule");
  assert.equal(bench.says(echo("ingress", remote, "request", 7)), "no-rule");
});

test("S-31a: further requests pass by the entry, in their own direction", () => {
  const bench = new Bench({ rules: [`out icmp to ${remote}/32`] });
  bench.says(echo("egress", remote, "request"));
  bench.change({ rules: [] });
  assert.equal(bench.says(echo("egress", remote, "request")), "connection tracked");
});

test("S-31a: other ICMP needs a rule each time and makes no entry", () => {
  const bench = new Bench({ rules: [`in icmp from ${remote}/32`] });
  const messages = [echo("ingress", remote, "reply"), icmp("ingress", remote, 13), icmp("ingress", remote, 8, 1)];
  assert.deepEqual(play(bench, ...messages), Array(3).fill("rule none"));
  assert.deepEqual(bench.rows, []);
  bench.change({ rules: ["out icmp to 0.0.0.0/0"] });
  play(bench, echo("egress", remote, "request", 0));
  const others = [icmp("ingress", remote, 13), icmp("ingress", remote, 8, 1), icmp("ingress", remote, 0, 1)];
  assert.deepEqual(play(bench, ...others), Array(3).fill("no-rule"), "also beside an echo of their identifier");
});

test("S-31a: ICMPv6 echo has entries too", () => {
  const bench = new Bench({ rules: ["in icmpv6 128/0 from ::/0"] });
  assert.equal(bench.says(echo("ingress", "2001:db8::1", "request")), "rule tracked");
  assert.equal(bench.says(echo("egress", "2001:db8::1", "reply")), "connection tracked");
});

test("S-32: another protocol is keyed by addresses and number, and any packet refreshes it", () => {
  const bench = new Bench({ rules: [`in 253 from ${remote}/32`] });
  assert.equal(bench.says(other("ingress", remote, 253)), "rule tracked");
  bench.advance(599);
  assert.equal(bench.says(other("egress", remote, 253)), "connection tracked");
  assertIdleTimeout(bench, 600);
});

test("S-35, S-38: an established connection is gone at its timeout, and the next packet is judged as new", () => {
  const bench = established();
  assertIdleTimeout(bench, 350);
  assert.equal(bench.says(leaves("ACK")), "no-rule");
});

test("S-36: UDP has 30 s until the third turn, then 180 s, for good", () => {
  const request = udp("ingress", ends);
  const response = udp("egress", ends);
  const bench = new Bench(inOnly);
  play(bench, request, request, request);
  assert.deepEqual(bench.states, ["datagram"], "one direction only");
  play(bench, response, response);
  assert.deepEqual(bench.states, ["datagram"], "one request and its response");
  play(bench, request);
  assert.deepEqual(bench.states, ["stream"]);
  play(bench, response, response);
  assertIdleTimeout(bench, 180);
  play(bench, request);
  assertIdleTimeout(bench, 30);
});

test("S-37, S-71: changed timeouts hold for live entries at once", () => {
  const bench = established();
  bench.advance(60);
  bench.change({ allowances: { timeouts: { tcpEstablished: 60, udpStream: 180, udp: 30 } } });
  assert.deepEqual(bench.rows, []);
  assert.equal(bench.metrics.conntrack_used, 1, "counted until a lookup or a sweep meets it");
  assert.equal(bench.says(leaves("ACK")), "no-rule");
  assert.equal(bench.metrics.conntrack_used, 0);
});

test("S-37: longer timeouts bring nothing back that a sweep removed", () => {
  const bench = established();
  bench.advance(350);
  bench.change({ allowances: { timeouts: { tcpEstablished: 1000, udpStream: 180, udp: 30 } } });
  assert.equal(bench.says(leaves("ACK")), "no-rule");
});

const handshakes: readonly { readonly what: string; readonly packets: readonly Sent[]; readonly state: string }[] = [
  { what: "SYN", packets: [enters("SYN")], state: "opening" },
  { what: "SYN, SYN-ACK", packets: [enters("SYN"), leaves("SYN,ACK")], state: "opening" },
  { what: "SYN, ACK without SYN-ACK", packets: [enters("SYN"), enters("ACK")], state: "opening" },
  { what: "SYN, ACK of the other side", packets: [enters("SYN"), leaves("ACK"), enters("ACK")], state: "opening" },
  { what: "SYN, SYN-ACK of its own", packets: [enters("SYN"), enters("SYN,ACK"), enters("ACK")], state: "opening" },
  { what: "a SYN again", packets: [enters("SYN"), leaves("SYN,ACK"), enters("SYN")], state: "opening" },
  { what: "one early FIN", packets: [enters("SYN"), leaves("FIN,ACK")], state: "opening" },
  { what: "the handshake", packets: [enters("SYN"), leaves("SYN,ACK"), enters("ACK")], state: "established" },
  { what: "a FIN as third", packets: [enters("SYN"), leaves("SYN,ACK"), enters("FIN,ACK")], state: "established" },
  { what: "early FINs both ways", packets: [enters("SYN"), enters("FIN"), leaves("FIN")], state: "closing" },
  { what: "a RST as answer", packets: [enters("SYN"), leaves("RST,ACK")], state: "closing" },
];

for (const { what, packets, state } of handshakes) {
  test(`S-39: ${what} is ${state}`, () => {
    const bench = new Bench(inOnly);
    play(bench, ...packets);
    assert.deepEqual(bench.states, [state]);
    assertIdleTimeout(bench, { opening: 30, established: 350, closing: 10 }[state] ?? 0);
  });
}

test("S-39: half-closed keeps the established timeout, FINs both ways or a RST have 10 s", () => {
  const half = established();
  play(half, leaves("FIN,ACK"), leaves("FIN,ACK"), enters("ACK"));
  assert.deepEqual(half.states, ["established"]);
  assertIdleTimeout(half, 350);
  const full = established();
  play(full, leaves("FIN,ACK"), enters("FIN,ACK"), leaves("ACK"));
  assert.deepEqual(full.states, ["closing"]);
  assertIdleTimeout(full, 10);
});

test("S-39: a forged RST neither cuts a busy connection nor frees its slot", () => {
  const bench = established({ ...inOnly, allowances: { conntrackMax: 1 } });
  play(bench, leaves("RST"));
  for (let second = 0; second < 60; second += 6) {
    assert.equal(bench.says(enters("PSH,ACK")), "connection tracked");
    assert.deepEqual(bench.states, ["closing"], "and never established again");
    bench.advance(6);
  }
  assert.equal(bench.metrics.conntrack_allowance_available, 0);
  assert.equal(bench.says(udp("ingress", ends)), "conntrack-allowance");
});

test("S-39: a new SYN on a closing entry is judged by the rules and reopens its own slot", () => {
  const bench = established({ ...inOnly, allowances: { conntrackMax: 1 } });
  play(bench, leaves("RST"));
  assert.equal(bench.says(enters("SYN")), "rule tracked");
  assert.deepEqual(bench.states, ["opening"]);
  assert.equal(bench.metrics.conntrack_used, 1);
});

test("S-39: a SYN on a closing entry that no rule permits is dropped and refreshes nothing", () => {
  const bench = established();
  play(bench, leaves("RST"));
  bench.advance(6);
  bench.change({ rules: [] });
  assert.equal(bench.says(enters("SYN")), "no-rule");
  assert.deepEqual(
    bench.rows.map(({ remaining }) => remaining),
    [4],
  );
  assert.equal(bench.says(enters("ACK")), "connection tracked", "the closing entry admits the rest");
});

test("S-39: an echo has 30 s", () => {
  const bench = new Bench(inOnly);
  play(bench, echo("ingress", remote, "request"));
  assertIdleTimeout(bench, 30);
});

test("S-40: in mid-stream both directions must be permitted, else it passes without an entry", () => {
  const oneWay = new Bench(inOnly);
  for (const flags of ["ACK", "SYN,ACK", "FIN,ACK", "RST"]) assert.equal(oneWay.says(enters(flags)), "rule none");
  assert.deepEqual(oneWay.rows, []);
  assert.equal(oneWay.says(leaves("ACK")), "no-rule");
  for (const flags of ["ACK", "SYN,ACK", "FIN,ACK", "PSH,ACK"]) {
    const bench = new Bench(bothWays);
    assert.equal(bench.says(enters(flags)), "rule tracked");
    assert.deepEqual(bench.states, ["opening"]);
  }
});

test("S-40: a RST in mid-stream passes by its rule and makes no entry", () => {
  const bench = new Bench(bothWays);
  assert.equal(bench.says(enters("RST")), "rule none");
  assert.deepEqual(bench.rows, []);
});

test("S-40: a mid-stream entry has 30 s until the other side answers with more than a SYN", () => {
  const bench = new Bench(bothWays);
  play(bench, enters("ACK"), enters("ACK"), leaves("SYN"));
  assert.deepEqual(bench.states, ["opening"]);
  assertIdleTimeout(bench, 30);
  play(bench, enters("ACK"), leaves("SYN,ACK"));
  assert.deepEqual(bench.states, ["established"]);
});

test("S-40: a FIN that begins in mid-stream counts as its direction's", () => {
  const bench = new Bench(bothWays);
  play(bench, enters("FIN,ACK"), leaves("FIN,ACK"));
  assert.deepEqual(bench.states, ["closing"]);
});

for (const flags of ["SYN,FIN", "SYN,RST", "", "SYN,FIN,ACK", "ECE,CWR"]) {
  test(`S-40: flags "${flags}" are malformed, also where a rule or an entry would let them pass`, () => {
    const bench = established(bothWays);
    assert.equal(bench.says(enters(flags)), "malformed");
    const open = new Bench({ rules: ["in all from 0.0.0.0/0", "out all to 0.0.0.0/0"] });
    assert.equal(open.says(enters(flags)), "malformed");
    assert.equal(new Bench({}).says(enters(flags)), "unfiltered none");
  });
}

test("S-40a: a pod that ran unfiltered keeps what one direction's rule permits, for one established timeout", () => {
  const bench = new Bench({ ...inOnly, adopt: true });
  assert.equal(bench.says(enters("ACK")), "rule tracked");
  assert.equal(bench.says(leaves("ACK")), "connection tracked");
  assert.equal(bench.says(tcp("egress", { ...ends, port: 23 }, "ACK")), "no-rule");
  bench.advance(349.75);
  assert.equal(bench.says(tcp("ingress", { ...ends, port: 24 }, "ACK")), "rule tracked");
  bench.advance(0.25);
  assert.equal(bench.says(tcp("ingress", { ...ends, port: 25 }, "ACK")), "rule none");
});

test("S-40a: adoption ends when the compiled rules change, and begins anew with the next first group", () => {
  const bench = new Bench({ ...inOnly, adopt: true });
  bench.change({ allowances: { conntrackMax: 9 } });
  assert.equal(bench.says(enters("ACK")), "rule tracked", "other changes leave it on");
  bench.change({ rules: [`in tcp * from ${remote}/32`] });
  assert.equal(bench.says(tcp("ingress", { ...ends, port: 23 }, "ACK")), "rule none");
  bench.change(inOnly);
  assert.equal(bench.says(tcp("ingress", { ...ends, port: 24 }, "ACK")), "rule none", "the first change ends it");
  bench.change({ rules: undefined });
  bench.change(inOnly);
  assert.equal(bench.says(tcp("ingress", { ...ends, port: 25 }, "ACK")), "rule tracked");
});

test("connections: rows name both ends, who began and how long ago", () => {
  const bench = new Bench(bothWays);
  play(bench, tcp("egress", ends, "SYN"), echo("ingress", remote, "request", 9));
  bench.advance(5.75);
  const common = { family: 4, remote, local: "10.244.0.10", idle: 5, remaining: 25 };
  assert.deepEqual(bench.rows, [
    { ...common, protocol: 6, port: 22, remotePort: 40_000, state: "opening", origin: "local" },
    { ...common, protocol: 1, port: 9, remotePort: 0, state: "echo", origin: "remote" },
  ]);
});

test("the clock moves in quarter seconds, and forward", () => {
  const bench = new Bench(inOnly);
  for (const seconds of [0.1, -1, Number.NaN]) assert.throws(() => bench.advance(seconds), /quarter seconds/);
});
