/**
 * `node beating-agent.ts FOLDER SECONDS`: an agent that shows that it is there and never sweeps, so that whatever is swept was
 * swept by the programs. It makes connections whose time is up after a second, says `ready`, and beats until it is
 * killed. It counts as gone after SECONDS without a beat.
 */
import { tcpFlags } from "../../../../semantics/packet.ts";
import { address } from "../../../../semantics/test/rules.ts";
import { type Pod, TestNode, web } from "./node.ts";

const loopback = 1;
const timeouts = { tcpEstablished: 1, udpStream: 1, udp: 1 };
const pod: Pod = {
  uid: "pod",
  ifindex: loopback,
  addresses: [address("10.1.0.1")],
  rules: web,
  allowances: { timeouts },
};
/** Connections that it makes. */
const count = 100;

const [folder = "", seconds] = process.argv.slice(2);
const node = new TestNode(folder, { clock: "running", unattendedAfter: Number(seconds) });
await node.program([pod]);
node.datapath.startUnattended();
setInterval(() => node.datapath.beat(), 50);
for (let port = 1; port <= count; port++) {
  await node.send(pod, { port });
  await node.send(pod, { port, direction: "egress", flags: tcpFlags.SYN | tcpFlags.ACK });
  await node.send(pod, { port, flags: tcpFlags.ACK });
}
process.stdout.write("ready\n");
