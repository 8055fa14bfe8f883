import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Allowances, Direction } from "../../semantics/policy.ts";
import { openAt } from "../engine/kernel/endpoint-socket.ts";
import { runIp } from "../engine/kernel/ip.ts";
import { waitFor } from "../engine/kernel/patience.ts";
import { options, Socket, socketTypes } from "../engine/kernel/socket.ts";
import { domains, etherTypes, interfaceAddress, internetAddress } from "../engine/kernel/socket-address.ts";
import { Arena } from "./arena.ts";
import { attacker, attackerRules, type Pod, victim, victimRules } from "./cast.ts";
import { ethernet, flag, ip4, ip6, join, tcp } from "./frame.ts";
import { type WireCount, WireCounters } from "./wire-counters.ts";

const arena = await Arena.open();
const counters = new WireCounters(arena.agent.pid ?? 0);
after(async () => {
  counters.close();
  await arena.close();
});

const count = (pod: Pod, direction: Direction, passed?: boolean): WireCount =>
  counters.read(arena.station(pod).nodeEnd.ifindex, direction, passed);

const difference = (after: WireCount, before: WireCount): WireCount => ({
  packets: after.packets - before.packets,
  bytes: after.bytes - before.bytes,
});

describe("a super-packet that is made by hand", () => {
  const [segments, segmentSize] = [10, 1000] as const;
  const payload = new Uint8Array(segments * segmentSize - 1);

  /** struct virtio_net_hdr: the checksum is left to whoever cuts it up into segments of `segmentSize`. */
  const offload = (family: 4 | 6, network: number): Uint8Array => {
    const [headers, gsoType] = family === 4 ? [54, 1] : [74, 4];
    const header = new DataView(new ArrayBuffer(10));
    header.setUint8(0, 1);
    header.setUint8(1, gsoType);
    [headers, segmentSize, network, 16].forEach((value, index) => {
      header.setUint16(2 + index * 2, value, true);
    });
    return new Uint8Array(header.buffer);
  };

  /** From the attacker to the victim's open port. */
  function inject(family: 4 | 6): void {
    const { namespace, end } = arena.station(attacker);
    const body = tcp({ from: 7, to: 80, flags: flag.SYN, payload });
    const make = family === 4 ? ip4 : ip6;
    const frame = ethernet(arena.ends(attacker), make(arena.route(attacker, victim, family), body));
    const socket = Socket.open(namespace, domains.packet, socketTypes.raw)
      .set(options.packetVnetHeader, 1)
      .bind(interfaceAddress(end.ifindex, etherTypes[family]));
    socket.send(join(offload(family, family === 4 ? 34 : 54), frame));
    socket.close();
  }

  /** What it is on the wire: the Ethernet, IP and TCP headers of each segment, and the payload. */
  const onTheWire = (family: 4 | 6): WireCount => ({
    packets: segments,
    bytes: segments * (family === 4 ? 54 : 74) + payload.length,
  });

  const program = (allowances: Partial<Allowances>, rules = true) =>
    arena.program([
      rules ? { pod: attacker, rules: attackerRules, allowances } : { pod: attacker, allowances },
      { pod: victim, rules: victimRules },
    ]);

  beforeEach(() => arena.reset());

  for (const family of [4, 6] as const) {
    const { packets, bytes } = onTheWire(family);

    test(`IPv${family}: both ends count the packets and bytes that it is on the wire`, async () => {
      inject(family);
      await waitFor(async () => count(victim, "ingress").packets >= packets, 1000);
      assert.deepEqual(count(attacker, "egress"), onTheWire(family));
      assert.deepEqual(count(victim, "ingress"), onTheWire(family));
    });

    test(`IPv${family}: a pod in no group has it counted alike`, async () => {
      await program({}, false);
      inject(family);
      await waitFor(async () => count(victim, "ingress").packets >= packets, 1000);
      assert.deepEqual(count(attacker, "egress"), onTheWire(family));
    });

    test(`IPv${family}: it passes where there is bandwidth for all of it, else none of it does (S-74)`, async () => {
      await program({ bandwidthOut: { perSecond: 8, burst: bytes } });
      inject(family);
      assert.deepEqual(count(attacker, "egress"), onTheWire(family));
      await program({ bandwidthOut: { perSecond: 8, burst: bytes - 1 } });
      await arena.advance(bytes);
      inject(family);
      assert.deepEqual(count(attacker, "egress", false), onTheWire(family));
      assert.equal((await arena.metrics(attacker)).bw_out_allowance_exceeded, packets);
    });

    test(`IPv${family}: it takes as many packets of the packet rate as it is on the wire (S-74)`, async () => {
      await program({ packets: { perSecond: 1, burst: packets } });
      inject(family);
      assert.equal(count(attacker, "egress").packets, packets);
      await program({ packets: { perSecond: 1, burst: packets - 1 } });
      await arena.advance(packets);
      inject(family);
      assert.equal((await arena.metrics(attacker)).pps_allowance_exceeded, packets);
      assert.equal((await arena.metrics(attacker)).conntrack_used, 1);
    });
  }
});

describe("a stream of real sockets", () => {
  const written = 512 * 1024;
  const message = new Uint8Array(written);
  const headers = 54;
  const mtu = 1500;

  before(() => arena.reset());

  /** Writes it all at once and reads it, between the pods; the sums of what was counted between the ends of that. */
  async function stream(sourcePort: number): Promise<{ sent: WireCount; received: WireCount; skbs: number }> {
    const route = arena.route(attacker, victim);
    const far = internetAddress(route.destination, 80);
    const listener = openAt(arena.station(victim).namespace, far, socketTypes.stream).listen();
    const near = internetAddress(route.source, sourcePort);
    const client = openAt(arena.station(attacker).namespace, near, socketTypes.stream)
      .set(options.sendBuffer, 8 * written)
      .connect(far);
    let server: Socket | undefined;
    await waitFor(async () => {
      server ??= listener.accept();
      return server !== undefined;
    }, 2000);
    assert.ok(server !== undefined);
    // The handshake's last acknowledgement has been judged, or accept would not have returned.
    const [sent, received] = [count(attacker, "egress"), count(victim, "ingress")];
    await arena.agent.control.verdicts();
    client.send(message);
    const buffer = new Uint8Array(written);
    let read = 0;
    const reading = server;
    await waitFor(async () => {
      read += reading.receive(buffer) ?? 0;
      return read === written && client.unacknowledged() === 0;
    }, 5000);
    assert.equal(read, written);
    const verdicts = await arena.agent.control.verdicts();
    const result = {
      sent: difference(count(attacker, "egress"), sent),
      received: difference(count(victim, "ingress"), received),
      skbs: verdicts.filter(({ uid, direction }) => uid === attacker.uid && direction === "egress").length,
    };
    for (const socket of [client, server, listener]) socket.close();
    return result;
  }

  test("large writes count as the packets on the wire, with offload as without it", async () => {
    for (const pod of [attacker, victim]) {
      runIp(arena.station(pod).namespace, [`link set eth0 mtu ${mtu}`]);
      runIp(arena.network.node, [`link set ${arena.station(pod).link} mtu ${mtu}`]);
    }
    const large = await stream(51_000);
    assert.ok(large.skbs < large.sent.packets, "there was a super-packet");
    runIp(arena.station(attacker).namespace, ["link set eth0 gso_max_segs 1"]);
    const small = await stream(51_001);
    assert.equal(small.skbs, small.sent.packets);
    for (const { sent, received } of [large, small]) {
      assert.deepEqual(received, sent);
      assert.equal(sent.bytes, written + sent.packets * headers);
    }
    assert.ok(large.sent.packets >= Math.ceil(written / (mtu - 40)));
  });
});
