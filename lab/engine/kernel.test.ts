import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { tcpFlags } from "../../semantics/packet.ts";
import { KernelEngine } from "./kernel.ts";
import { nodeMachine } from "./node.ts";
import type { Sighting } from "./ports.ts";
import {
  beginScenario,
  client,
  conversation,
  datagram,
  endpoints,
  free,
  known,
  packet,
  stateOf,
  stranger,
  syn,
  tableOf,
  web,
} from "./test/fixture.ts";

const engine = new KernelEngine({ clock: "standing" });

after(() => engine.stop());

const begin = (): Promise<void> => beginScenario(engine);

/** `uid direction reason tracking`, a line each. */
const lines = (sightings: readonly Sighting[]): string[] =>
  sightings.map(({ uid, direction, verdict }) => `${uid} ${direction} ${verdict.reason} ${verdict.tracking}`);

const states = (): Promise<string[]> => tableOf(engine);

/** Frames that a pod's interface has sent. */
function framesSent(netns: string): number {
  const counters = execFileSync("nsenter", [`--net=${netns}`, "cat", "/proc/net/dev"], { encoding: "utf8" });
  const columns = /eth0:(.*)/.exec(counters)?.[1]?.trim().split(/\s+/);
  return Number(columns?.[9]);
}

describe("raw packets", () => {
  beforeEach(() => begin());
  afterEach(() => engine.end());

  for (const family of [4, 6] as const) {
    test(`IPv${family}: a SYN of an untracked flow arrives (S-50)`, async () => {
      const { delivered, sightings } = await engine.send(client, web, [packet(client, web, syn(80), { family })]);
      assert.equal(delivered, 1);
      assert.deepEqual(lines(sightings), ["uid-web ingress untracked untracked"]);
      assert.deepEqual(await states(), []);
    });

    test(`IPv${family}: a SYN that no rule permits does not arrive (S-1)`, async () => {
      const { delivered, sightings } = await engine.send(stranger, web, [packet(stranger, web, syn(22), { family })]);
      assert.equal(delivered, 0);
      assert.deepEqual(lines(sightings), ["uid-web ingress no-rule none"]);
    });

    test(`IPv${family}: from pod to pod, both judge it`, async () => {
      const { delivered, sightings } = await engine.send(free, web, [packet(free, web, syn(80), { family })]);
      assert.equal(delivered, 1);
      assert.deepEqual(lines(sightings), ["uid-free egress unfiltered none", "uid-web ingress untracked untracked"]);
    });

    test(`IPv${family}: the node's own packet is exempt, and its answer too (S-20)`, async () => {
      const probe = await engine.send(nodeMachine, web, [packet(nodeMachine, web, syn(9), { family })]);
      assert.deepEqual([probe.delivered, ...lines(probe.sightings)], [1, "uid-web ingress exempt none"]);
      const answer = { kind: "tcp", sourcePort: 9, port: 40_000, flags: tcpFlags.SYN | tcpFlags.ACK } as const;
      const reply = await engine.send(web, nodeMachine, [packet(web, nodeMachine, answer, { family })]);
      assert.deepEqual([reply.delivered, ...lines(reply.sightings)], [1, "uid-web egress exempt none"]);
    });

    test(`IPv${family}: a host that borrows the node's address is not the node (S-20)`, async () => {
      const source = known(family === 4 ? "10.244.255.254" : "fd00:244::fffe");
      const { delivered, sightings } = await engine.send(client, web, [
        packet(client, web, syn(9), { family, source }),
      ]);
      assert.equal(delivered, 0);
      assert.deepEqual(lines(sightings), ["uid-web ingress no-rule none"]);
    });
  }

  test("a tracked SYN makes an entry, and the receiver's stack answers nothing", async () => {
    const { delivered, sightings } = await engine.send(client, web, [packet(client, web, syn(22))]);
    assert.equal(delivered, 1);
    assert.deepEqual(lines(sightings), ["uid-web ingress rule tracked"]);
    // A RST of the stack would have closed it.
    assert.deepEqual(await states(), ["6 22 opening"]);
  });

  test("no stack answers: no echo reply, no RST, no port unreachable", async () => {
    const before = framesSent(engine.netns(free));
    const raw = [{ kind: "icmp", type: 8, code: 0, id: 5 } as const, syn(9), datagram(9)];
    for (const transport of raw) {
      assert.equal((await engine.send(client, free, [packet(client, free, transport)])).delivered, 1);
    }
    assert.equal(framesSent(engine.netns(free)), before);
  });

  test("a spoofed source does not leave the pod; the node does not see it (S-22)", async () => {
    const forged = packet(web, nodeMachine, datagram(9), { source: known("10.244.0.99") });
    const { delivered, sightings } = await engine.send(web, nodeMachine, [forged]);
    assert.equal(delivered, 0);
    assert.deepEqual(lines(sightings), ["uid-web egress spoofed none"]);
  });

  test("a packet for another pod's address does not enter, and the other one's way is as before (S-22)", async () => {
    const stray = packet(client, web, syn(80), { destination: known("10.244.0.11") });
    const { delivered, sightings } = await engine.send(client, web, [stray]);
    assert.equal(delivered, 0);
    assert.deepEqual(lines(sightings), ["uid-web ingress spoofed none"]);
    assert.equal((await engine.send(client, free, [packet(client, free, syn(80))])).delivered, 1);
  });

  test("link-local packets between a pod and its node are exempt (S-20)", async () => {
    const [near, far] = [known("fe80::1"), known("fe80::2")];
    const down = packet(nodeMachine, web, datagram(9), { family: 6, source: near, destination: far });
    const up = packet(web, nodeMachine, datagram(9), { family: 6, source: far, destination: near });
    const sent = [await engine.send(nodeMachine, web, [down]), await engine.send(web, nodeMachine, [up])];
    assert.deepEqual(
      sent.map(({ delivered, sightings }) => [delivered, ...lines(sightings)]),
      [
        [1, "uid-web ingress exempt none"],
        [1, "uid-web egress exempt none"],
      ],
    );
  });

  test("what the node can't forward does not arrive, whatever the pod would have said", async () => {
    const { delivered, sightings } = await engine.send(client, web, [packet(client, web, syn(80), { hopLimit: 1 })]);
    assert.deepEqual({ delivered, sightings }, { delivered: 0, sightings: [] });
  });

  test("every packet of a flood counts, and the last one's verdict is told (S-70)", async () => {
    await engine.program(stateOf({ conntrackMax: 2500 }), endpoints);
    const flood = Array.from({ length: 3000 }, (_, index) => packet(client, web, syn(22, 20_000 + index)));
    const { delivered, sightings } = await engine.send(client, web, flood);
    assert.equal(delivered, 2500);
    assert.deepEqual(lines(sightings), ["uid-web ingress conntrack-allowance none"]);
    const { conntrack_used, conntrack_allowance_exceeded } = await engine.metrics(web);
    assert.deepEqual([conntrack_used, conntrack_allowance_exceeded], [2500, 500]);
  });

  test("a large datagram arrives whole", async () => {
    const large = packet(client, web, datagram(53), { payload: 60_000, length: 60_042 });
    assert.equal((await engine.send(client, web, [large])).delivered, 1);
  });

  test("machines that are no pods reach each other; no endpoint sees it", async () => {
    assert.deepEqual(await engine.send(client, stranger, [packet(client, stranger, syn(1))]), {
      delivered: 1,
      sightings: [],
    });
    assert.deepEqual(await engine.send(client, nodeMachine, [packet(client, nodeMachine, syn(1))]), {
      delivered: 1,
      sightings: [],
    });
  });
});

describe("conversations", () => {
  beforeEach(() => begin());
  afterEach(() => engine.end());

  test("a TCP connection is established, used and closed, and the pod's table follows", async () => {
    const connected = await engine.connect(conversation("ssh", [client, web], 6, 22));
    assert.deepEqual([connected.succeeded, ...lines(connected.sightings)], [true, "uid-web ingress rule tracked"]);
    assert.deepEqual(await states(), ["6 22 established"]);
    const used = await engine.exchange("ssh");
    assert.deepEqual([used.succeeded, ...lines(used.sightings)], [true, "uid-web ingress connection tracked"]);
    await engine.close("ssh", "fin");
    assert.deepEqual(await states(), ["6 22 closing"]);
  });

  test("a RST closes it too", async () => {
    await engine.connect(conversation("ssh", [client, web], 6, 22));
    await engine.close("ssh", "rst");
    assert.deepEqual(await states(), ["6 22 closing"]);
    assert.deepEqual(await engine.exchange("ssh"), { succeeded: false, sightings: [] });
  });

  test("a connection that is refused has sent one SYN (S-70)", async () => {
    await engine.program(stateOf({ conntrackMax: 0 }), endpoints);
    const { succeeded, sightings } = await engine.connect(conversation("ssh", [client, web], 6, 22));
    assert.equal(succeeded, false);
    assert.deepEqual(lines(sightings), ["uid-web ingress conntrack-allowance none"]);
    assert.equal((await engine.metrics(web)).conntrack_allowance_exceeded, 1);
  });

  test("a tracked connection outlives its rules, an untracked one does not, also when they come back (S-54, S-53)", async () => {
    await engine.connect(conversation("ssh", [client, web], 6, 22));
    await engine.connect(conversation("http", [stranger, web], 6, 80, { sourcePort: 50_001 }));
    await engine.program(stateOf({ rules: [], revision: "2" }), endpoints);
    assert.equal((await engine.exchange("ssh")).succeeded, true);
    const cut = await engine.exchange("http");
    assert.deepEqual([cut.succeeded, ...lines(cut.sightings)], [false, "uid-web ingress no-rule none"]);
    await engine.program(stateOf({ revision: "3" }), endpoints);
    assert.equal((await engine.exchange("http")).succeeded, true);
  });

  test("IPv6, from pod to pod: both endpoints' verdicts on the first packet", async () => {
    const { succeeded, sightings } = await engine.connect(conversation("c", [web, free], 6, 443, { family: 6 }));
    assert.equal(succeeded, true);
    assert.deepEqual(lines(sightings), ["uid-web egress rule tracked", "uid-free ingress unfiltered none"]);
    assert.equal((await engine.exchange("c")).succeeded, true);
  });

  test("the node's probe passes, and the pod's connection to the node is judged by its rules (S-20)", async () => {
    const probe = await engine.connect(conversation("probe", [nodeMachine, web], 6, 9));
    assert.deepEqual([probe.succeeded, ...lines(probe.sightings)], [true, "uid-web ingress exempt none"]);
    const out = await engine.connect(conversation("out", [web, nodeMachine], 6, 10_250, { sourcePort: 50_001 }));
    assert.deepEqual([out.succeeded, ...lines(out.sightings)], [true, "uid-web egress rule tracked"]);
  });

  test("UDP is a request and its response; one that is lost leaves the socket usable (S-36)", async () => {
    const asked = await engine.connect(conversation("dns", [client, web], 17, 53));
    assert.deepEqual([asked.succeeded, ...lines(asked.sightings)], [true, "uid-web ingress rule tracked"]);
    assert.deepEqual(await states(), ["17 53 datagram"]);
    await engine.exchange("dns");
    assert.deepEqual(await states(), ["17 53 stream"]);
    const lost = await engine.connect(conversation("lost", [stranger, web], 17, 53));
    assert.deepEqual([lost.succeeded, ...lines(lost.sightings)], [false, "uid-web ingress no-rule none"]);
    assert.equal((await engine.exchange("lost")).succeeded, false);
  });

  test("a forged packet of an open connection is not answered by its real socket", async () => {
    await engine.connect(conversation("ssh", [client, web], 6, 22));
    const forged = { kind: "tcp", sourcePort: 50_000, port: 22, flags: tcpFlags.RST } as const;
    assert.equal((await engine.send(client, web, [packet(client, web, forged)])).delivered, 1);
    assert.equal((await engine.exchange("ssh")).succeeded, true);
  });
});
