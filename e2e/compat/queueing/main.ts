/** Runs in the guest of `npm run kernels`, whose kernel has fq: egress that is over a pod's bandwidth waits there. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { AgentControl } from "../../../datapath/agent/control.ts";
import { type Pod, stateOf } from "../../../datapath/agent/life/test/node.ts";
import { queueingProblem, readUplinks } from "../../../datapath/agent/uplinks.ts";
import { enterSandbox, ip, sandboxBpffs } from "../../../datapath/loader/test/sandbox.ts";
import { AgentProcess } from "../../../lab/engine/agent-process.ts";
import { qdiscs, queues } from "../test/tc.ts";
import { Crossing, podAddress, uplink } from "./crossing.ts";

enterSandbox();
const object = fileURLToPath(new URL("../../../build/bpf/sallyport.bpf.o", import.meta.url));
const crossing = new Crossing();
after(() => crossing.close());

/** Bytes of a datagram's payload, and of its frame. */
const payload = 1000;
const frame = payload + 42;
/** Frames that leave at once. */
const burst = 10;
/** More than any flow of these tests has waiting; by itself fq drops what is over 100 packets of a flow. */
const fq = "fq flow_limit 2000";

/** Runs an agent that lets packets wait if the node offers it. It looks when it starts. */
async function withAgent(name: string, work: (agent: AgentControl) => Promise<void>): Promise<void> {
  const bpffs = join(sandboxBpffs, name);
  mkdirSync(bpffs);
  const netns = `/proc/${process.pid}/ns/net`;
  const agent = new AgentProcess({ netns, bpffs, object, clock: "running", tableSize: 1024, queueEgress: true });
  try {
    await work(agent.control);
    await program(agent.control, []);
  } finally {
    await agent.stop();
  }
}

async function program(agent: AgentControl, pods: readonly Pod[]): Promise<void> {
  const statuses = await agent.program(
    stateOf(pods),
    { nodeAddresses: [] },
    pods.map(({ uid, ifindex, addresses }) => ({ uid, ifindex, addresses, adopt: false })),
  );
  assert.deepEqual(
    statuses,
    pods.map(({ uid }) => ({ uid, state: "Programmed" })),
  );
}

/** Gives the pod a bandwidth of so many frames a second, with a full bucket and counters at zero. */
async function allow(agent: AgentControl, perSecond: number): Promise<void> {
  const allowances = { bandwidthOut: { perSecond: perSecond * frame * 8, burst: burst * frame } };
  await program(agent, []);
  await program(agent, [{ uid: "pod", ifindex: crossing.pod.ifindex, addresses: [podAddress], allowances }]);
}

/** What the pod's counters say of the packets it sent: over the bandwidth are those that waited or were dropped. */
async function counts(agent: AgentControl) {
  const { packets, bw_out_allowance_exceeded: over } = await agent.metrics("pod");
  const { unfiltered: passed = 0, "bandwidth-allowance": dropped = 0 } = packets.egress;
  return { passed, dropped, over };
}

test("the pod's packets reach the machine outside", async () => {
  crossing.sendDatagrams(1, payload);
  assert.deepEqual(await crossing.arrivals(1), [0]);
});

test("an uplink with fq offers queueing, also where mq spreads packets over several, and others do not", () => {
  queues.set(uplink, "pfifo");
  assert.match(queueingProblem(readUplinks()) ?? "", /^uplink has the qdisc pfifo: give it fq/);
  queues.set(uplink, fq);
  assert.equal(queueingProblem(readUplinks()), undefined);
  ip("link add spread numtxqueues 2 type veth peer name spread-peer");
  ip("link set spread up");
  ip("-6 route add default dev spread");
  queues.set("spread", "handle 1: mq");
  queues.set("spread", fq, "parent 1:1");
  assert.match(queueingProblem(readUplinks()) ?? "", /^spread has the qdisc mq, /);
  queues.set("spread", fq, "parent 1:2");
  assert.deepEqual(qdiscs("spread").toSorted(), ["fq", "fq", "mq"]);
  assert.equal(queueingProblem(readUplinks()), undefined);
  ip("link del spread");
});

test("S-74: where the uplink has fq, what is over the bandwidth waits there", async (t) => {
  queues.set(uplink, fq);
  await withAgent("waiting", async (agent) => {
    await t.test("what would wait longer than two seconds is dropped, and nothing else", async (u) => {
      const sent = 300;
      await allow(agent, 50);
      queues.set(uplink, fq);
      crossing.sendDatagrams(sent, payload);
      const { passed, dropped, over } = await counts(agent);
      const arrived = await crossing.arrivals(passed);
      const { throttled = 0, drops } = queues.counts(uplink);
      u.diagnostic(`of ${sent}: ${over} over the bandwidth, ${dropped} dropped; fq waited ${throttled} times`);
      assert.equal(passed + dropped, sent);
      assert.ok(dropped > 0 && over > dropped && throttled > 0);
      assert.equal(arrived.length, passed);
      assert.equal(drops, 0);
    });

    await t.test("datagrams arrive in the order in which they were sent", async (u) => {
      const sent = 1000;
      await allow(agent, 2000);
      queues.set(uplink, fq);
      crossing.sendDatagrams(sent, payload);
      const arrived = await crossing.arrivals(sent);
      const { throttled = 0, drops } = queues.counts(uplink);
      u.diagnostic(`of ${sent}: ${(await counts(agent)).over} over the bandwidth; fq waited ${throttled} times`);
      assert.deepEqual(
        arrived,
        Array.from({ length: sent }, (_, number) => number),
      );
      assert.ok(throttled > 0);
      assert.equal(drops, 0);
    });

    await t.test("a TCP stream arrives whole, none of it out of order", async (u) => {
      const sent = 1 << 20;
      await allow(agent, 1000);
      queues.set(uplink, fq);
      const before = crossing.segmentsOutOfOrder();
      assert.equal(await crossing.stream(sent), sent);
      const { over, dropped } = await counts(agent);
      const { throttled = 0, drops } = queues.counts(uplink);
      u.diagnostic(`${sent} bytes: ${over} packets over the bandwidth; fq waited ${throttled} times`);
      assert.equal(crossing.segmentsOutOfOrder(), before);
      assert.ok(over > 0 && throttled > 0);
      assert.deepEqual([dropped, drops], [0, 0]);
    });
  });
});

test("S-74: where it has not, what is over the bandwidth is dropped, also if fq comes later", async (t) => {
  queues.set(uplink, "pfifo");
  await withAgent("dropping", async (agent) => {
    const sent = 300;
    await allow(agent, 50);
    queues.set(uplink, fq);
    crossing.sendDatagrams(sent, payload);
    const { passed, dropped, over } = await counts(agent);
    const arrived = await crossing.arrivals(passed);
    const { throttled } = queues.counts(uplink);
    t.diagnostic(`of ${sent}: ${dropped} dropped; fq waited ${throttled} times`);
    assert.equal(passed + dropped, sent);
    assert.ok(passed >= burst && dropped > 0);
    assert.equal(over, dropped);
    assert.equal(arrived.length, passed);
    assert.equal(throttled, 0);
  });
});
