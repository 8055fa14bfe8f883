import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { tcpFlags } from "../../semantics/packet.ts";
import type { Allowances, CompiledState } from "../../semantics/policy.ts";
import { plainConfig } from "../../semantics/test/config.ts";
import { address } from "../../semantics/test/rules.ts";
import { openBpf } from "../loader/open.ts";
import { enterSandbox, sandboxBpffs } from "../loader/test/sandbox.ts";
import { Agent } from "./agent.ts";
import { Datapath, type DatapathOptions } from "./datapath.ts";
import { tcpFrame } from "./test/frames.ts";

enterSandbox();
const bpf = openBpf();
const object = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));
const loopback = 1;
const pod = address("10.1.0.1");
const frame = tcpFrame({ source: pod, destination: address("10.2.0.1"), sourcePort: 1, port: 2, flags: tcpFlags.ACK });
/** A second's worth of this is 100 frames. */
const bandwidth = { perSecond: frame.length * 8 * 100, burst: frame.length * 10 };

/** An endpoint without a group: allowances apply to it all the same. */
function stateWith(rates: Partial<Allowances>): CompiledState {
  const timeouts = { tcpEstablished: 350, udpStream: 180, udp: 30 };
  const endpoint = { pod: { namespace: "ns", name: "pod", uid: "pod" }, trackedPorts: [] };
  return {
    config: plainConfig,
    ruleSets: [],
    acls: [],
    addressSets: [],
    node: { node: "n", endpoints: [{ ...endpoint, allowances: { conntrackMax: 10, timeouts, ...rates } }] },
  };
}

async function start(
  name: string,
  queueEgress: boolean,
  rates: Partial<Allowances>,
  clock: DatapathOptions["clock"] = "standing",
) {
  const pins = join(sandboxBpffs, name);
  mkdirSync(pins);
  const options = { bpf, object, pins, clock, tableSize: 64, endpointSlots: 16, queueEgress };
  const datapath = new Datapath(options);
  const agent = new Agent(datapath, { attach: false });
  await agent.program(stateWith(rates), { nodeAddresses: [] }, [
    { uid: "pod", ifindex: loopback, adopt: false, addresses: [pod] },
  ]);
  const send = (gsoSize = 0) =>
    datapath.fromPod.testRun({ data: frame, ifindex: loopback, ingressIfindex: 9, gsoSize });
  return { agent, send, sent: (count: number) => Array.from({ length: count }, () => send()) };
}

const passed = (runs: readonly { returnValue: number }[]) =>
  runs.filter(({ returnValue }) => returnValue === -1).length;

test("S-74: a burst passes to the packet, and what comes in per quarter second after it", async () => {
  const { agent, sent } = await start("burst", false, { bandwidthOut: bandwidth });
  assert.equal(passed(sent(30)), 10);
  await agent.advance(0.25);
  assert.equal(passed(sent(30)), 10, "a quarter second brings 25, of which the bucket holds 10");
  await agent.advance(60);
  assert.equal(passed(sent(5)), 5);
  await agent.advance(0.25);
  assert.equal(passed(sent(30)), 10);
  assert.equal((await agent.metrics("pod")).bw_out_allowance_exceeded, 60);
  agent.close();
});

test("S-74: a super-packet costs what its segments cost on the wire", async () => {
  const { agent, send, sent } = await start("segments", false, { packets: { perSecond: 4, burst: 8 } });
  // 32 bytes of payload in segments of 8: four packets.
  assert.equal(send(8).returnValue, -1);
  assert.equal(passed(sent(10)), 4);
  const { pps_allowance_exceeded, packets } = await agent.metrics("pod");
  assert.equal(pps_allowance_exceeded, 6);
  assert.deepEqual(packets.egress, { unfiltered: 8, "packet-allowance": 6 });
  agent.close();
});

test("S-74: where egress may queue, what is over the bandwidth gets a time to leave, two seconds ahead at the most", async () => {
  const { agent, sent } = await start("queue", true, { bandwidthOut: bandwidth });
  const runs = sent(300);
  assert.equal(passed(runs), 10 + 200);
  const times = runs.filter(({ returnValue }) => returnValue === -1).map(({ deliveryTime }) => deliveryTime);
  assert.ok(times.slice(0, 10).every((time) => time === 0n));
  const waits = times.slice(10);
  assert.ok(waits.every((time, index) => index === 0 || time > (waits[index - 1] ?? 0n)));
  // 200 frames at 100 a second; the clock that times are given in goes on meanwhile.
  assert.ok(Number((waits.at(-1) ?? 0n) - (waits[0] ?? 0n)) / 1e9 >= 1.98);
  assert.equal((await agent.metrics("pod")).bw_out_allowance_exceeded, 290);
  agent.close();
});

test("S-74: what waits leaves in the order in which it came, however the kernel's ticks fall", async () => {
  // Many frames come in within one tick, and all of them within many ticks.
  const fast = { perSecond: frame.length * 8 * 2000, burst: frame.length };
  const { agent, sent } = await start("order", true, { bandwidthOut: fast }, "running");
  const times = sent(1000).flatMap(({ deliveryTime }) => (deliveryTime === 0n ? [] : [deliveryTime]));
  assert.ok(times.length > 100, `${times.length} waited`);
  assert.deepEqual(
    times.filter((time, index) => index > 0 && time <= (times[index - 1] ?? 0n)),
    [],
  );
  agent.close();
});
