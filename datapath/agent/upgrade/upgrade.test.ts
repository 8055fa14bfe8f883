import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { tcpFlags } from "../../../semantics/packet.ts";
import type { CompiledState } from "../../../semantics/policy.ts";
import { plainConfig } from "../../../semantics/test/config.ts";
import { address, ruleSet } from "../../../semantics/test/rules.ts";
import { openBpf } from "../../loader/open.ts";
import { enterSandbox, sandboxBpffs } from "../../loader/test/sandbox.ts";
import { Agent } from "../agent.ts";
import { Datapath } from "../datapath.ts";
import { tcpFrame } from "../test/frames.ts";

enterSandbox();
const object = fileURLToPath(new URL("../../../build/bpf/sallyport.bpf.o", import.meta.url));
const bpf = openBpf();
const pod = address("10.1.0.1");
const loopback = 1;
const small = 1024;
const large = 4096;

function start(pins: string, tableSize: number) {
  const datapath = new Datapath({ bpf, object, pins, clock: "standing", tableSize, endpointSlots: 16 });
  datapath.recordVerdicts(true);
  return { agent: new Agent(datapath, { attach: false }), datapath };
}

const state: CompiledState = {
  config: plainConfig,
  ruleSets: [ruleSet(["in tcp 80 from 10.0.0.0/8"], "web")],
  acls: [],
  addressSets: [],
  node: {
    node: "n",
    endpoints: [
      {
        pod: { namespace: "ns", name: "pod", uid: "pod" },
        ruleSet: "web",
        allowances: { conntrackMax: 100, timeouts: { tcpEstablished: 350, udpStream: 180, udp: 30 } },
        trackedPorts: [],
      },
    ],
  },
};

/** Sends to the pod, or from it; returns what became of it. */
async function send(
  { agent, datapath }: ReturnType<typeof start>,
  packet: { client: number; flags: number; fromPod?: boolean; port?: number },
) {
  const { client, flags, fromPod = false, port = 80 } = packet;
  const remote = address(`10.2.0.${client}`);
  const frame = fromPod
    ? tcpFrame({ source: pod, destination: remote, sourcePort: port, port: 40_000, flags })
    : tcpFrame({ source: remote, destination: pod, sourcePort: 40_000, port, flags });
  (fromPod ? datapath.fromPod : datapath.toPod).testRun({ data: frame, ifindex: loopback, ingressIfindex: loopback });
  const verdict = (await agent.verdicts()).at(-1);
  return verdict && `${verdict.reason} ${verdict.tracking}`;
}

async function program({ agent }: ReturnType<typeof start>, adopt = false) {
  return agent.program(state, { nodeAddresses: [] }, [{ uid: "pod", ifindex: loopback, adopt, addresses: [pod] }]);
}

test("S-73: maps of another layout are moved over, up and down again, with connections, count and counters", async () => {
  const pins = join(sandboxBpffs, "moved");
  mkdirSync(pins);
  const first = start(pins, small);
  await program(first);
  for (let client = 1; client <= 40; client++) await send(first, { client, flags: tcpFlags.SYN });
  assert.equal(await send(first, { client: 1, flags: tcpFlags.SYN, port: 81 }), "no-rule none");
  await first.agent.advance(7);
  const before = await first.agent.connections("pod");
  const metrics = await first.agent.metrics("pod");
  assert.equal(before.length, 40);
  // A former agent is gone by now; its maps are held by their pins alone.
  first.agent.close();

  for (const size of [large, small]) {
    const next = start(pins, size);
    // The standing clock lives in a map and is not a connection; a running one is the machine's own.
    next.datapath.advance(7 * 4);
    await program(next);
    assert.deepEqual(readdirSync(join(pins, "maps")), [next.datapath.layout]);
    const byPort = (rows: typeof before) => [...rows].sort((a, b) => (a.remote < b.remote ? -1 : 1));
    assert.deepEqual(byPort(await next.agent.connections("pod")), byPort(before));
    assert.deepEqual(await next.agent.metrics("pod"), metrics);
    next.agent.close();
  }

  const last = start(pins, small);
  await program(last);
  assert.equal(
    await send(last, { client: 9, flags: tcpFlags.SYN | tcpFlags.ACK, fromPod: true }),
    "connection tracked",
  );
  assert.equal((await last.agent.metrics("pod")).conntrack_used, 40);
  last.agent.close();
});

test("S-40a: adoption goes on after a restart and after a move, until the rules change", async () => {
  const pins = join(sandboxBpffs, "adopted");
  mkdirSync(pins);
  // The rules permit one direction alone: only an endpoint that adopts makes an entry in mid-stream.
  for (const [client, size] of [small, small, large].entries()) {
    const run = start(pins, size);
    await program(run, client === 0);
    assert.equal(await send(run, { client, flags: tcpFlags.ACK }), "rule tracked", `table of ${size}`);
    run.agent.close();
  }
  const run = start(pins, large);
  const ruleSets = [{ ...ruleSet(["in tcp 80 from 10.0.0.0/8", "in tcp 81 from 10.0.0.0/8"], "web"), revision: "2" }];
  const endpoints = [{ uid: "pod", ifindex: loopback, adopt: false, addresses: [pod] }];
  await run.agent.program({ ...state, ruleSets }, { nodeAddresses: [] }, endpoints);
  assert.equal(await send(run, { client: 9, flags: tcpFlags.ACK }), "rule none");
  run.agent.close();
});

test("what was given up half-made is thrown away", async () => {
  const pins = join(sandboxBpffs, "half");
  mkdirSync(join(pins, "maps", "000000000000"), { recursive: true });
  const run = start(pins, small);
  await program(run);
  assert.deepEqual(readdirSync(join(pins, "maps")), [run.datapath.layout]);
  run.agent.close();
});
