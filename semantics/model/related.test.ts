import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "../test/bench.ts";
import {
  changed,
  echo,
  errorAbout,
  firstFragment,
  fromNode,
  icmp,
  laterFragment,
  other,
  type Sent,
  tcp,
  udp,
} from "../test/packets.ts";

const remote = "203.0.113.1";
const router = "198.51.100.254";
const ends = { remote, port: 50_000, remotePort: 443 };
const out = tcp("egress", ends, "ACK");

/** A pod that may connect to the remote, and has. */
function connected(): Bench {
  const bench = new Bench({ rules: [`out all to ${remote}/32`] });
  bench.says(tcp("egress", ends, "SYN"));
  return bench;
}

test("S-34: errors about a tracked flow pass, from whatever router, and refresh nothing", () => {
  const bench = connected();
  bench.advance(10);
  for (const type of [3, 11, 12]) assert.equal(bench.says(errorAbout(out, router, type, 4)), "related none");
  assert.deepEqual(
    bench.rows.map(({ idle }) => idle),
    [10],
  );
});

test("S-34: all four ICMPv6 errors", () => {
  const six = { remote: "2001:db8::1", port: 50_000, remotePort: 443 };
  const bench = new Bench({ rules: ["out tcp 443 to 2001:db8::/32"] });
  bench.says(tcp("egress", six, "SYN"));
  for (const type of [1, 2, 3, 4])
    assert.equal(bench.says(errorAbout(tcp("egress", six, "ACK"), "2001:db8:1::1", type)), "related none");
  assert.equal(bench.says(errorAbout(tcp("egress", six, "ACK"), "2001:db8:1::1", 5)), "no-rule");
});

test("S-34: the pod's own errors about what it received", () => {
  const bench = new Bench({ rules: [`in udp 53 from ${remote}/32`] });
  const query = udp("ingress", { remote, port: 53, remotePort: 4000 });
  bench.says(query);
  assert.equal(bench.says(errorAbout(query, remote)), "related none");
  assert.equal(bench.says(errorAbout(query, "203.0.113.2")), "no-rule", "to somebody else than the quoted sender");
});

const unrelated: readonly { readonly what: string; readonly sent: Sent }[] = [
  { what: "about another flow", sent: errorAbout(tcp("egress", { ...ends, port: 50_001 }, "ACK"), router) },
  { what: "of another type", sent: errorAbout(out, router, 4) },
  { what: "without a quote", sent: icmp("ingress", router, 3) },
  {
    what: "that quotes the pod's flow the wrong way round",
    sent: {
      ...errorAbout(out, router),
      packet: errorAbout(
        { ...out, packet: { ...out.packet, source: out.packet.destination, destination: out.packet.source } },
        router,
      ).packet,
    },
  },
  { what: "that quotes a broken packet", sent: errorAbout(changed(out, { broken: true }), router) },
  { what: "that quotes a later fragment", sent: errorAbout(laterFragment(out, 1), router) },
  { what: "that quotes an error", sent: errorAbout(icmp("egress", remote, 3), router) },
];

for (const { what, sent } of unrelated) {
  test(`S-34: an error ${what} needs a rule`, () => {
    const bench = connected();
    assert.equal(bench.says(sent), "no-rule");
    bench.change({ rules: ["in icmp from 0.0.0.0/0"] });
    assert.equal(bench.says(sent), "rule none");
  });
}

test("S-34: a first fragment has ports, so a quote of it relates", () => {
  assert.equal(connected().says(errorAbout(firstFragment(out, 1), router)), "related none");
});

test("S-34: related also where a rule permits it", () => {
  const bench = connected();
  bench.change({ rules: ["in icmp from 0.0.0.0/0"] });
  assert.equal(bench.says(errorAbout(out, router)), "related none");
});

test("S-34: echo and other protocols are flows too", () => {
  const bench = connected();
  const ping = echo("egress", remote, "request", 5);
  const tunnel = other("egress", remote, 47);
  assert.equal(bench.says(errorAbout(ping, router)), "no-rule");
  bench.says(ping);
  bench.says(tunnel);
  assert.equal(bench.says(errorAbout(ping, router)), "related none");
  assert.equal(bench.says(errorAbout(tunnel, router)), "related none");
});

test("S-34, S-38: an expired entry relates to nothing", () => {
  const bench = connected();
  const datagram = udp("egress", ends);
  bench.change({ allowances: { timeouts: { tcpEstablished: 350, udpStream: 180, udp: 60 } } });
  bench.says(datagram);
  bench.advance(30);
  assert.equal(bench.says(errorAbout(datagram, router)), "related none");
  bench.change({ allowances: {} });
  assert.equal(bench.says(errorAbout(datagram, router)), "no-rule", "its time is up, and no sweep met it yet");
});

test("S-34: an untracked flow's quote is judged by its ports, in either orientation, as the rules are now", () => {
  const bench = new Bench({ rules: ["in tcp 80 from 0.0.0.0/0", "out all to 0.0.0.0/0"] });
  const answer = tcp("egress", { remote, port: 80, remotePort: 40_000 }, "SYN");
  assert.equal(bench.says(errorAbout(answer, router)), "related none", "a quote shows no flags");
  bench.change({ rules: ["out all to 0.0.0.0/0"] });
  assert.equal(bench.says(errorAbout(answer, router)), "no-rule");
});

test("S-20, S-34: an error about a flow that the node began is exempt, with the node only", () => {
  const bench = new Bench({ rules: [] });
  const probe = udp("ingress", { remote: "10.244.0.1", port: 8080, remotePort: 40_000 });
  bench.says(fromNode(probe));
  assert.equal(bench.says(errorAbout(probe, "10.244.0.1")), "exempt none");
  assert.equal(
    bench.says(errorAbout(udp("egress", { remote: "10.244.0.1", port: 8080, remotePort: 40_000 }), router)),
    "no-rule",
  );
});
