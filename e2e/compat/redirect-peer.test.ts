import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Agent } from "../../datapath/agent/agent.ts";
import type { EndpointAttachment } from "../../datapath/agent/control.ts";
import { Datapath } from "../../datapath/agent/datapath.ts";
import { type Pod, stateOf } from "../../datapath/agent/life/test/node.ts";
import { tcpFrame } from "../../datapath/agent/test/frames.ts";
import { openBpf } from "../../datapath/loader/open.ts";
import { enterSandbox, ip, sandboxBpffs } from "../../datapath/loader/test/sandbox.ts";
import { tcpFlags } from "../../semantics/packet.ts";
import type { Address } from "../../semantics/policy.ts";
import { address } from "../../semantics/test/rules.ts";
import { Others } from "./test/others.ts";
import { TestPod } from "./test/pod.ts";

enterSandbox();
const bpf = openBpf();
const object = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));
const pins = join(sandboxBpffs, "node");
const client = new TestPod("client");
const server = new TestPod("server");
const others = new Others(bpf, server.ifindex);
const [here, there, node] = ["10.1.0.1", "10.2.0.1", "10.9.0.1"].map(address) as [Address, Address, Address];
const nodePort = 40_000;

// The way of Cilium's host routing: from the client's host side straight into the server's namespace.
const delivery = bpf.attachTcx(others.program("deliver"), client.ifindex, "ingress");
// Stands behind ours, since ours come first: what it sees has arrived.
const arrivals = server.inside(() => bpf.attachTcx(others.program("arrival"), server.inner, "ingress"));
for (const command of [
  "link set lo up",
  `address add ${node}/32 dev lo`,
  `route add ${here}/32 dev server src ${node}`,
  `neigh replace ${here} lladdr 02:00:00:00:00:99 dev server`,
])
  ip(command);

let agent = start();
after(() => {
  agent.close();
  for (const link of [delivery, arrivals]) link.close();
  others.close();
  for (const pod of [client, server]) pod.close();
});

function start(): Agent {
  const datapath = new Datapath({ bpf, object, pins, clock: "standing", tableSize: 1024, endpointSlots: 16 });
  datapath.recordVerdicts(true);
  return new Agent(datapath, { attach: true });
}

const rules = [
  "in tcp 80 from 10.2.0.0/16",
  "in tcp 443 from 0.0.0.0/0",
  "out tcp * to 0.0.0.0/0",
  "in tcp 22 from 10.3.0.0/16",
];
const pods: readonly Pod[] = [{ uid: "server", ifindex: server.ifindex, addresses: [here], rules }];
const hostSide: EndpointAttachment = { uid: "server", ifindex: server.ifindex, addresses: [here], adopt: false };
const podSide: EndpointAttachment = { ...hostSide, podSide: { netns: server.netns, ifindex: server.inner } };

async function program(attachment: EndpointAttachment | undefined): Promise<void> {
  const wanted = attachment === undefined ? [] : [attachment];
  const statuses = await agent.program(
    stateOf(attachment === undefined ? [] : pods),
    { nodeAddresses: [node] },
    wanted,
  );
  assert.deepEqual(
    statuses,
    wanted.map(({ uid }) => ({ uid, state: "Programmed" })),
  );
  await agent.verdicts();
}

interface Outcome {
  readonly arrived: number;
  readonly verdicts: readonly string[];
}

async function outcomeOf(work: () => void): Promise<Outcome> {
  const [arrived = 0] = await others.seenWhile(["arrival"], work);
  const verdicts = (await agent.verdicts()).map(
    ({ direction, reason, tracking }) => `${direction} ${reason} ${tracking}`,
  );
  return { arrived, verdicts };
}

/** The client sends a TCP segment, which never meets the server's host side. */
function send(port: number, flags: number = tcpFlags.SYN, source = there): Promise<Outcome> {
  return outcomeOf(() => client.send(tcpFrame({ source, destination: here, sourcePort: nodePort, port, flags })));
}

/** The node's own stack sends a datagram to a port that no rule names, as a kubelet's probe. */
function probe(): Promise<Outcome> {
  return outcomeOf(() => execFileSync("bash", ["-c", `echo > /dev/udp/${here}/9`]));
}

test("what bpf_redirect_peer delivers passes no hook of the host side: without podSide it is not judged", async () => {
  await program(hostSide);
  assert.deepEqual(await send(22), { arrived: 1, verdicts: [] });
});

test("with podSide the rules hold for what bpf_redirect_peer delivers", async () => {
  await program(podSide);
  assert.deepEqual(await send(80), { arrived: 1, verdicts: ["ingress rule tracked"] });
  assert.deepEqual(await send(80), { arrived: 1, verdicts: ["ingress connection tracked"] });
  assert.deepEqual(await send(22), { arrived: 0, verdicts: ["ingress no-rule none"] });
});

test("S-50: with podSide what both directions permit from anywhere is untracked", async () => {
  await program(podSide);
  assert.deepEqual(await send(443), { arrived: 1, verdicts: ["ingress untracked untracked"] });
});

test("S-20: with podSide the node's probes are exempt, and a packet that only bears its address is not", async () => {
  await program(podSide);
  assert.deepEqual(await probe(), { arrived: 1, verdicts: ["ingress exempt none"] });
  assert.deepEqual(await send(22, tcpFlags.SYN, node), { arrived: 0, verdicts: ["ingress no-rule none"] });
});

test("with podSide what leaves the pod is judged at the host side, and its replies are of its connection", async () => {
  await program(podSide);
  const out = await outcomeOf(() =>
    server.send(tcpFrame({ source: here, destination: there, sourcePort: 5000, port: 8080, flags: tcpFlags.SYN })),
  );
  assert.deepEqual(out.verdicts, ["egress rule tracked"]);
  const reply = await outcomeOf(() =>
    client.send(
      tcpFrame({ source: there, destination: here, sourcePort: 8080, port: 5000, flags: tcpFlags.SYN | tcpFlags.ACK }),
    ),
  );
  assert.deepEqual(reply, { arrived: 1, verdicts: ["ingress connection tracked"] });
});

test("a new agent takes over the pod's side by its pin, and rules hold in between", async () => {
  await program(podSide);
  const pin = join(pins, "links", `${server.ifindex}-pod`);
  const linkId = () => {
    const link = bpf.openPinnedLink(pin);
    link.close();
    return link.id;
  };
  const before = linkId();
  agent.close();
  const [arrived] = await others.seenWhile(["arrival"], () => {
    client.send(tcpFrame({ source: there, destination: here, sourcePort: 1, port: 22, flags: tcpFlags.SYN }));
  });
  assert.equal(arrived, 0);
  agent = start();
  await program(podSide);
  assert.equal(linkId(), before);
  assert.deepEqual(await send(22), { arrived: 0, verdicts: ["ingress no-rule none"] });
});

test("without podSide again the host side judges, and with the endpoint all pins go", async () => {
  await program(podSide);
  await program(hostSide);
  assert.deepEqual(readdirSync(join(pins, "links")).sort(), [`${server.ifindex}-egress`, `${server.ifindex}-ingress`]);
  assert.deepEqual(await send(22), { arrived: 1, verdicts: [] });
  await program(podSide);
  await program(undefined);
  assert.deepEqual(readdirSync(join(pins, "links")), []);
});
