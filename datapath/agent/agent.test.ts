import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tcpFlags } from "../../semantics/packet.ts";
import type { Allowances, CompiledState } from "../../semantics/policy.ts";
import { plainConfig } from "../../semantics/test/config.ts";
import { address, ruleSet } from "../../semantics/test/rules.ts";
import { openBpf } from "../loader/open.ts";
import { enterSandbox, sandboxBpffs } from "../loader/test/sandbox.ts";
import { Agent, UnknownEndpointError } from "./agent.ts";
import { Datapath } from "./datapath.ts";
import { tcpFrame } from "./test/frames.ts";

enterSandbox();
const object = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));
const bpf = openBpf();
const pod = address("10.1.0.1");
/** The loopback stands for the pod's interface: test runs ask for no more than its number. */
const loopback = 1;

interface Run {
  readonly agent: Agent;
  readonly datapath: Datapath;
}

/** An agent over a datapath with a standing clock; with the pins of a former one it takes that one's over. */
function start(pins: string): Run {
  for (const folder of ["maps", "links"]) mkdirSync(join(pins, folder), { recursive: true });
  const datapath = new Datapath({ bpf, object, pins, clock: "standing", tableSize: 32_768, endpointSlots: 16 });
  datapath.recordVerdicts(true);
  return { agent: new Agent(datapath, { attach: false }), datapath };
}

/** One load of the programs for all tests but the last, since the verifier takes its time; each has its own pod. */
const run = start(join(sandboxBpffs, "shared"));
const { agent, datapath } = run;
after(() => agent.close());
let tests = 0;
beforeEach(() => {
  tests++;
});
afterEach(() => agent.program({ ...state([]), ruleSets: [] }, node, []));

const allowances: Allowances = {
  conntrackMax: 20_000,
  timeouts: { tcpEstablished: 350, udpStream: 180, udp: 30 },
};

function state(rules: readonly string[], change: Partial<Allowances> = {}): CompiledState {
  return {
    config: plainConfig,
    ruleSets: [ruleSet(rules, `web-${tests}`)],
    acls: [],
    addressSets: [],
    node: {
      node: "n",
      endpoints: [
        {
          pod: { namespace: "ns", name: "pod", uid: "pod" },
          ruleSet: `web-${tests}`,
          allowances: { ...allowances, ...change },
          trackedPorts: [],
        },
      ],
    },
  };
}

const web = ["in tcp 443 from 192.168.0.0/16", "in tcp 80 from 10.0.0.0/8"];
const here = [{ uid: "pod", ifindex: loopback, adopt: false, addresses: [pod] }];
const node = { nodeAddresses: [] };

/** Sends a SYN of the client with this number to the pod; returns what became of it. */
async function syn(client: number, port = 80): Promise<string | undefined> {
  const source = address(`10.2.${client >> 8}.${client & 255}`);
  const data = tcpFrame({ source, destination: pod, sourcePort: 40_000, port, flags: tcpFlags.SYN });
  datapath.toPod.testRun({ data, ifindex: loopback, ingressIfindex: 99 });
  const [verdict] = await agent.verdicts();
  return verdict && `${verdict.reason} ${verdict.tracking} ${verdict.rule ?? "-"}`;
}

test("a programmed endpoint is judged by its rules, and connection, counters and hits can be read", async () => {
  assert.deepEqual(await agent.program(state(web), node, here), [{ uid: "pod", state: "Programmed" }]);
  assert.equal(await syn(1), "rule tracked 1");
  assert.equal(await syn(1), "connection tracked -");
  assert.equal(await syn(1, 22), "no-rule none -");
  const [connection, ...others] = await agent.connections("pod");
  assert.deepEqual([others, connection?.remote, connection?.port, connection?.state], [[], "10.2.0.1", 80, "opening"]);
  assert.deepEqual((await agent.metrics("pod")).packets.ingress, { rule: 1, connection: 1, "no-rule": 1 });
  assert.deepEqual(await agent.ruleHits(`web-${tests}`), [0, 1]);
});

test("S-71: a sweep removes every entry whose time is up, and the count follows", async () => {
  await agent.program(state(web), node, here);
  const count = 9000;
  for (let client = 0; client < count; client++) {
    const source = address(`10.2.${client >> 8}.${client & 255}`);
    const data = tcpFrame({ source, destination: pod, sourcePort: 40_000, port: 80, flags: tcpFlags.SYN });
    datapath.toPod.testRun({ data, ifindex: loopback, ingressIfindex: 99 });
  }
  assert.equal((await agent.metrics("pod")).conntrack_used, count);
  assert.equal(await agent.sweep(), 0);
  await agent.advance(30);
  assert.equal((await agent.metrics("pod")).conntrack_used, 0);
  assert.deepEqual([...datapath.connections()], []);
});

test("S-70: at the maximum only new connections are dropped, and a larger one applies at once", async () => {
  await agent.program(state(web, { conntrackMax: 2 }), node, here);
  const verdicts = [];
  for (const client of [1, 2, 3, 1]) verdicts.push(await syn(client));
  assert.deepEqual(verdicts, [
    ...["rule tracked 1", "rule tracked 1", "conntrack-allowance none 1", "connection tracked -"],
  ]);
  assert.equal((await agent.metrics("pod")).conntrack_allowance_exceeded, 1);
  await agent.program(state(web, { conntrackMax: 3 }), node, here);
  assert.equal(await syn(3), "rule tracked 1");
  assert.equal((await agent.metrics("pod")).conntrack_allowance_available, 0);
});

test("S-54: a rule that goes cuts no tracked connection and admits no new one", async () => {
  await agent.program(state(web), node, here);
  await syn(1);
  await agent.program(state(["in tcp 443 from 192.168.0.0/16"]), node, here);
  assert.equal(await syn(1), "connection tracked -");
  assert.equal(await syn(2), "no-rule none -");
});

test("however often rules change, no more than two slots are taken", async () => {
  const taken = () => [...datapath.map("policies").entries()].length;
  const before = taken();
  for (let round = 0; round < 20; round++) {
    await agent.program(state([`in tcp ${round} from 10.0.0.0/8`]), node, here);
  }
  assert.equal(await syn(1, 19), "rule tracked 0");
  assert.equal(await syn(2, 18), "no-rule none -");
  assert.ok(taken() <= Math.max(before, 2), `${before} slots before, ${taken()} after`);
});

test("a pod that is gone takes its connections with it, and nobody can be asked about it", async () => {
  await agent.program(state(web), node, here);
  await syn(1);
  await agent.program(state(web), node, []);
  assert.deepEqual([...datapath.connections()], []);
  await assert.rejects(agent.metrics("pod"), UnknownEndpointError);
});

test("S-75: an endpoint whose rule set is not here is closed, and the status says why", async () => {
  const [status] = await agent.program({ ...state(web), ruleSets: [] }, node, here);
  assert.equal(status?.state, "NotProgrammed");
  assert.match(status?.message ?? "", /RuleSet web-\d+ is not here yet/);
});

test("S-73: a new agent takes over endpoints, connections and counters, and packets are judged in between", async () => {
  const pins = join(sandboxBpffs, "handed-over");
  const frame = (source: string) =>
    tcpFrame({ source: address(source), destination: pod, sourcePort: 1, port: 80, flags: tcpFlags.SYN });
  const first = start(pins);
  await first.agent.program(state(web), node, here);
  first.datapath.toPod.testRun({ data: frame("10.2.0.1"), ifindex: loopback, ingressIfindex: 99 });
  const [connection] = await first.agent.connections("pod");
  first.agent.close();

  const second = start(pins);
  try {
    second.datapath.toPod.testRun({ data: frame("10.2.0.9"), ifindex: loopback, ingressIfindex: 99 });
    assert.deepEqual(await second.agent.program(state(web), node, here), [{ uid: "pod", state: "Programmed" }]);
    assert.deepEqual((await second.agent.metrics("pod")).packets.ingress, { rule: 2 });
    const rows = await second.agent.connections("pod");
    assert.deepEqual(
      rows.find(({ remote }) => remote === connection?.remote),
      connection,
    );
    assert.deepEqual(await second.agent.ruleHits(`web-${tests}`), [0, 2]);
  } finally {
    second.agent.close();
  }
});
