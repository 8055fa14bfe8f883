import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type { Allowances } from "../../../semantics/policy.ts";
import { address } from "../../../semantics/test/rules.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import { frameLength, type Pod, TestNode } from "./test/node.ts";

enterSandbox();
const loopback = 1;
let node = new TestNode("allowances");
after(() => node.close());
beforeEach(() => node.program([]));

/** Without a group: allowances apply to it all the same. */
function podWith(allowances: Partial<Allowances>): Pod {
  return { uid: "pod", ifindex: loopback, addresses: [address("10.1.0.1")], allowances };
}

const frame = frameLength(podWith({}));
/** Of each frame's 52 bytes behind the IP header 20 are TCP's and 32 are payload. */
const payload = 32;
const headers = frame - payload;
/** An instance metadata service, as link-local services are (S-20). */
const metadata = address("169.254.169.254");

test("S-74: a burst passes, and each quarter second brings exactly a quarter of the rate", async () => {
  const pod = podWith({ packets: { perSecond: 8, burst: 20 } });
  await node.program([pod]);
  assert.equal(node.passing(pod, 30), 20);
  for (let quarter = 0; quarter < 8; quarter++) {
    await node.agent.advance(0.25);
    assert.equal(node.passing(pod, 5), 2, `quarter ${quarter}`);
  }
  await node.agent.advance(2);
  assert.equal(node.passing(pod, 30), 16, "two seconds' worth, of which the bucket has room for all");
  await node.agent.advance(3600);
  assert.equal(node.passing(pod, 30), 20, "never more than the burst");
  assert.equal((await node.agent.metrics("pod")).pps_allowance_exceeded, 10 + 8 * 3 + 14 + 10);
});

test("S-74: a rate that is no multiple of four loses nothing over whole seconds", async () => {
  const pod = podWith({ packets: { perSecond: 7, burst: 1 } });
  await node.program([pod]);
  assert.equal(node.passing(pod, 1), 1);
  let passed = 0;
  for (let quarter = 0; quarter < 40; quarter++) {
    await node.agent.advance(0.25);
    // One packet of burst: what a quarter brings above that is lost, here 0.75 of a packet.
    passed += node.passing(pod, 2);
  }
  // A quarter brings 1.75, the bucket holds 1: each quarter exactly one packet.
  assert.equal(passed, 40);
});

test("S-74: fractions of a packet add up", async () => {
  const pod = podWith({ packets: { perSecond: 3, burst: 10 } });
  await node.program([pod]);
  assert.equal(node.passing(pod, 10), 10);
  let passed = 0;
  for (let quarter = 0; quarter < 40; quarter++) {
    await node.agent.advance(0.25);
    passed += node.passing(pod, 2);
  }
  assert.equal(passed, 30);
});

test("S-70: the packet rate is one for both directions, the bandwidth one for each", async () => {
  const pod = podWith({ packets: { perSecond: 4, burst: 6 } });
  await node.program([pod]);
  assert.equal(node.passing(pod, 4, { direction: "egress" }), 4);
  assert.equal(node.passing(pod, 4, { direction: "ingress" }), 2);
  assert.equal(node.passing(pod, 1, { direction: "egress" }), 0);

  const burst = frame * 3;
  const wide = podWith({ bandwidthIn: { perSecond: 8 * frame, burst }, bandwidthOut: { perSecond: 8 * frame, burst } });
  await node.program([]);
  await node.program([wide]);
  assert.equal(node.passing(wide, 5, { direction: "egress" }), 3);
  assert.equal(node.passing(wide, 5, { direction: "ingress" }), 3);
  const { bw_in_allowance_exceeded, bw_out_allowance_exceeded } = await node.agent.metrics("pod");
  assert.deepEqual([bw_in_allowance_exceeded, bw_out_allowance_exceeded], [2, 2]);
});

test("S-75: what goes to link-local services meets that rate first, and counts once", async () => {
  const pod = podWith({ linkLocal: { perSecond: 4, burst: 2 }, packets: { perSecond: 4, burst: 10 } });
  await node.program([pod]);
  const query = { direction: "egress", remote: metadata } as const;
  assert.equal(node.passing(pod, 6, query), 2);
  assert.equal(node.passing(pod, 20), 8, "what the first rate refused took nothing from the second");
  const { linklocal_allowance_exceeded, pps_allowance_exceeded, packets } = await node.agent.metrics("pod");
  assert.deepEqual([linklocal_allowance_exceeded, pps_allowance_exceeded], [4, 12]);
  assert.equal(packets.egress["linklocal-allowance"], 4);
  await node.agent.advance(0.25);
  assert.equal(node.passing(pod, 3, query), 1);
});

test("S-74: answers of a link-local service are not charged to its rate", async () => {
  const pod = podWith({ linkLocal: { perSecond: 4, burst: 1 } });
  await node.program([pod]);
  assert.equal(node.passing(pod, 5, { direction: "ingress", remote: metadata }), 5);
  assert.equal(node.passing(pod, 5, { direction: "egress", remote: metadata }), 1);
});

test("S-75: a policed packet makes no entry; an entry's allowance is the last to be asked", async () => {
  const rules = ["in tcp * from 10.2.0.0/16"];
  const pod = { ...podWith({ packets: { perSecond: 4, burst: 2 }, conntrackMax: 1 }), rules };
  await node.program([pod]);
  assert.equal(await node.send(pod, { port: 1 }), "rule tracked");
  assert.equal(await node.send(pod, { port: 2 }), "conntrack-allowance none");
  assert.equal(await node.send(pod, { port: 3 }), "packet-allowance none");
  const { conntrack_used, conntrack_allowance_exceeded, pps_allowance_exceeded } = await node.agent.metrics("pod");
  assert.deepEqual([conntrack_used, conntrack_allowance_exceeded, pps_allowance_exceeded], [1, 1, 1]);
});

test("S-74: a super-packet is charged its segments, and each one's headers", async () => {
  const segments = 4;
  const onWire = frame + (segments - 1) * headers;
  const pod = podWith({ bandwidthIn: { perSecond: 8 * onWire, burst: onWire } });
  await node.program([pod]);
  const super_ = { gsoSize: payload / segments };
  assert.equal(node.passing(pod, 1, super_), 1);
  assert.equal(node.passing(pod, 1), 0, "nothing is left for even one frame");
  await node.agent.advance(0.75);
  assert.equal(node.passing(pod, 1, super_), 0, "three quarters of what it costs");
  await node.agent.advance(0.25);
  assert.equal(node.passing(pod, 1, super_), 1);
  const { bw_in_allowance_exceeded, packets } = await node.agent.metrics("pod");
  assert.equal(bw_in_allowance_exceeded, 1 + segments);
  assert.deepEqual(packets.ingress, { unfiltered: 2 * segments, "bandwidth-allowance": 1 + segments });
});

test("a rate that changes keeps what the bucket holds, and one that goes limits nothing", async () => {
  const pod = podWith({ packets: { perSecond: 4, burst: 4 } });
  await node.program([pod]);
  assert.equal(node.passing(pod, 9), 4);
  await node.program([podWith({ packets: { perSecond: 4, burst: 6 } })]);
  assert.equal(node.passing(pod, 9), 2, "the deeper bucket has room for two more, and those are full");
  await node.program([podWith({})]);
  assert.equal(node.passing(pod, 50), 50);
});

test("S-73: counters and what buckets hold survive an agent's end, and packets are counted in between", async () => {
  const rates = { packets: { perSecond: 4, burst: 8 }, linkLocal: { perSecond: 4, burst: 2 } };
  const pod = podWith(rates);
  const query = { direction: "egress", remote: metadata } as const;
  await node.program([pod]);
  assert.equal(node.passing(pod, 3, query), 2);
  assert.equal(node.passing(pod, 3), 3);
  node = node.successor();
  assert.equal(node.passing(pod, 2), 2, "before it is programmed, by what is pinned");
  await node.program([pod]);
  assert.equal(node.passing(pod, 1, query), 0);
  assert.equal(node.passing(pod, 5), 1, "8 less 2, 3 and 2");
  const { linklocal_allowance_exceeded, pps_allowance_exceeded, packets } = await node.agent.metrics("pod");
  assert.deepEqual([linklocal_allowance_exceeded, pps_allowance_exceeded], [2, 4]);
  assert.deepEqual(packets.ingress, { unfiltered: 6, "packet-allowance": 4 });
  await node.agent.advance(0.25);
  assert.equal(node.passing(pod, 5), 1, "it fills by the same clock");
});
