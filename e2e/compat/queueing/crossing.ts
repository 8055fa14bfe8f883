import { readFileSync, writeFileSync } from "node:fs";
import { ip } from "../../../datapath/loader/test/sandbox.ts";
import { waitFor } from "../../../lab/engine/kernel/patience.ts";
import { options, Socket, socketTypes } from "../../../lab/engine/kernel/socket.ts";
import { domains, internetAddress } from "../../../lab/engine/kernel/socket-address.ts";
import { address } from "../../../semantics/test/rules.ts";
import { TestPod } from "../test/pod.ts";

/** Name of the interface by which packets leave the node. */
export const uplink = "uplink";
export const podAddress = address("10.244.0.10");
const outside = address("203.0.113.1");
const node = { towardsPod: "10.244.0.1", outwards: "203.0.113.2" } as const;
const far = internetAddress(outside, 9);

/** Bytes; more than a test sends, so that no socket loses any. */
const socketBuffer = 8 << 20;
/** Milliseconds until what has not arrived counts as lost: much longer than anything may wait in fq. */
const patience = 20_000;

/** A pod and a machine outside, with the node between them: this process's own network namespace. */
export class Crossing {
  readonly pod = new TestPod("pod");
  readonly #outside = new TestPod(uplink);
  readonly #receiver: Socket;
  readonly #sender: Socket;

  constructor() {
    writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
    ip(`address add ${node.towardsPod}/24 dev pod`);
    ip(`address add ${node.outwards}/24 dev ${uplink}`);
    ip(`route add default via ${outside}`);
    this.pod.inside(() => {
      ip(`address add ${podAddress}/24 dev eth0`);
      ip(`route add default via ${node.towardsPod}`);
    });
    this.#outside.inside(() => {
      ip(`address add ${outside}/24 dev eth0`);
      ip(`route add default via ${node.outwards}`);
    });
    this.#receiver = open(this.#outside, socketTypes.datagram).bind(far);
    this.#sender = open(this.pod, socketTypes.datagram).connect(far);
  }

  /** The pod sends datagrams of `bytes` as fast as it can, numbered from 0. */
  sendDatagrams(count: number, bytes: number): void {
    const datagram = new Uint8Array(bytes);
    for (let number = 0; number < count; number++) {
      new DataView(datagram.buffer).setUint32(0, number);
      this.#sender.send(datagram);
    }
  }

  /** Waits for so many datagrams; returns the numbers of those that came, in the order in which they did. */
  async arrivals(count: number): Promise<readonly number[]> {
    const numbers: number[] = [];
    const head = new Uint8Array(4);
    await waitFor(async () => {
      while (this.#receiver.receive(head) !== undefined) numbers.push(new DataView(head.buffer).getUint32(0));
      return numbers.length >= count;
    }, patience);
    return numbers;
  }

  /** The pod sends so many bytes over a TCP connection; returns how many arrived. */
  async stream(bytes: number): Promise<number> {
    const listener = open(this.#outside, socketTypes.stream).bind(far).listen();
    const client = open(this.pod, socketTypes.stream).connect(far);
    let server: Socket | undefined;
    try {
      await waitFor(async () => {
        server = listener.accept();
        return server !== undefined;
      }, patience);
      client.send(new Uint8Array(bytes));
      const buffer = new Uint8Array(1 << 16);
      let received = 0;
      await waitFor(async () => {
        for (let length = server?.receive(buffer); length; length = server?.receive(buffer)) received += length;
        return received >= bytes;
      }, patience);
      return received;
    } finally {
      for (const socket of [listener, client, server]) socket?.close();
    }
  }

  /** TCP segments that came to the machine outside before one that was sent earlier. */
  segmentsOutOfOrder(): number {
    const text = this.#outside.inside(() => readFileSync("/proc/thread-self/net/netstat", "utf8"));
    const [names = [], values = []] = text.split("\n").map((line) => line.split(" "));
    return Number(values[names.indexOf("TCPOFOQueue")]);
  }

  close(): void {
    for (const each of [this.#sender, this.#receiver, this.pod, this.#outside]) each.close();
  }
}

function open(machine: TestPod, type: (typeof socketTypes)["datagram" | "stream"]): Socket {
  return Socket.open(machine, domains[4], type)
    .set(options.sendBuffer, socketBuffer)
    .set(options.receiveBuffer, socketBuffer);
}
