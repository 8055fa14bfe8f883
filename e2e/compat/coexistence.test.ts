import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Agent } from "../../datapath/agent/agent.ts";
import { Datapath } from "../../datapath/agent/datapath.ts";
import { stateOf } from "../../datapath/agent/life/test/node.ts";
import { tcpFrame } from "../../datapath/agent/test/frames.ts";
import type { Mechanism } from "../../datapath/loader/attachment.ts";
import { openBpf } from "../../datapath/loader/open.ts";
import type { BpfLink } from "../../datapath/loader/ports.ts";
import { enterSandbox, sandboxBpffs } from "../../datapath/loader/test/sandbox.ts";
import { tcpFlags } from "../../semantics/packet.ts";
import { address } from "../../semantics/test/rules.ts";
import { Others } from "./test/others.ts";
import { TestPod } from "./test/pod.ts";
import { filters, qdiscs } from "./test/tc.ts";

enterSandbox();
const object = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));
const pod = new TestPod("pod");
const others = new Others(openBpf());
const here = address("10.1.0.1");
const links: BpfLink[] = [];

/** One agent for each mechanism; the pod may send to port 443 alone. */
function start(mechanism: Mechanism): Agent {
  const pins = join(sandboxBpffs, mechanism);
  const options = { object, pins, clock: "standing", tableSize: 1024, endpointSlots: 16 } as const;
  return new Agent(new Datapath({ bpf: openBpf(mechanism), ...options }), { attach: true });
}

const web = [{ uid: "pod", ifindex: pod.ifindex, addresses: [here], rules: ["out tcp 443 to 10.2.0.0/16"] }];

async function program(agent: Agent, pods = web): Promise<void> {
  const statuses = await agent.program(
    stateOf(pods),
    { nodeAddresses: [] },
    pods.map((one) => ({ ...one, adopt: false })),
  );
  assert.deepEqual(
    statuses.filter(({ state }) => state !== "Programmed"),
    [],
  );
}

/** Lets the pod send a SYN. */
function send(port: number): void {
  const [source, destination] = [here, address("10.2.0.1")];
  pod.send(tcpFrame({ source, destination, sourcePort: 40_000, port, flags: tcpFlags.SYN }));
}

function attach(name: "before" | "behind" | "accepting", bpf = openBpf()): BpfLink {
  const link = bpf.attachTcx(others.program(name), pod.ifindex, "ingress");
  links.push(link);
  return link;
}

const agents = { tcx: start("tcx"), clsact: start("clsact") };
afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  for (const agent of Object.values(agents)) await program(agent, []);
});
after(() => {
  for (const agent of Object.values(agents)) agent.close();
  others.close();
  pod.close();
});

const both = ["before", "behind"] as const;

test("tcx: programs before and after see what passes; those after see nothing of what is dropped", async () => {
  attach("behind");
  await program(agents.tcx);
  attach("before");
  assert.deepEqual(await others.seenWhile(both, () => send(443)), [1, 1]);
  assert.deepEqual(await others.seenWhile(both, () => send(80)), [1, 0]);
});

test("tcx: a clsact filter, which comes behind all of tcx, sees what passes and nothing else", async () => {
  others.program("filter").pin(join(sandboxBpffs, "filter"));
  filters.add("pod", 2, join(sandboxBpffs, "filter"));
  try {
    await program(agents.tcx);
    assert.deepEqual(await others.seenWhile(["filter"], () => send(443)), [1]);
    assert.deepEqual(await others.seenWhile(["filter"], () => send(80)), [0]);
  } finally {
    filters.remove("pod", 2);
  }
});

test("tcx: others come and go without a word to our programs", async () => {
  await program(agents.tcx);
  const first = attach("before");
  first.detach();
  const second = attach("before");
  assert.deepEqual(await others.seenWhile(both, () => send(80)), [1, 0]);
  second.detach();
  const before = (await agents.tcx.metrics("pod")).packets.egress["no-rule"] ?? 0;
  send(80);
  assert.equal((await agents.tcx.metrics("pod")).packets.egress["no-rule"], before + 1);
});

test("tcx: we attach before whoever is there, also one that accepts packets for good", async () => {
  attach("accepting");
  await program(agents.tcx);
  assert.deepEqual(await others.seenWhile(["accepting"], () => send(80)), [0]);
  assert.deepEqual(await others.seenWhile(["accepting"], () => send(443)), [1]);
});

test("tcx: one that comes before us later and accepts packets for good hides them from us", async () => {
  await program(agents.tcx);
  attach("accepting");
  assert.deepEqual(await others.seenWhile(["accepting"], () => send(80)), [1]);
  assert.deepEqual((await agents.tcx.metrics("pod")).packets.egress, {});
});

test("clsact: filters behind ours see what passes and nothing of what is dropped, and are left alone", async () => {
  const pin = join(sandboxBpffs, "behind");
  others.program("behind").pin(pin);
  filters.add("pod", 2, pin);
  await program(agents.clsact);
  assert.deepEqual(await others.seenWhile(["behind"], () => send(443)), [1]);
  assert.deepEqual(await others.seenWhile(["behind"], () => send(80)), [0]);
  await program(agents.clsact, []);
  assert.deepEqual(await others.seenWhile(["behind"], () => send(80)), [1]);
  assert.deepEqual(filters.list("pod"), ["2"]);
  filters.remove("pod", 2);
});

test("clsact: the program of a filter is exchanged in its place, and the qdisc stays when all are gone", async () => {
  await program(agents.clsact);
  const former = filters.programs("pod");
  const second = start("clsact");
  try {
    await program(second);
    const now = filters.programs("pod");
    assert.deepEqual([former.length, now.length], [1, 1]);
    assert.notDeepEqual(now, former);
    assert.deepEqual(await others.seenWhile(both, () => send(80)), [0, 0]);
    assert.equal((await second.metrics("pod")).packets.egress["no-rule"], 1);
    await program(second, []);
    assert.deepEqual(filters.programs("pod"), []);
    assert.ok(qdiscs("pod").includes("clsact"));
  } finally {
    second.close();
  }
});
