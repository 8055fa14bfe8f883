/**
 * Sends frames from a process of its own, so that several CPUs send at once. Its standard input is a line with what
 * to send and, once it has said `ready`, an empty line that starts it.
 */
import { createInterface } from "node:readline";
import { NetworkNamespace } from "../engine/kernel/namespace.ts";
import { options, Socket, socketTypes } from "../engine/kernel/socket.ts";
import { domains, etherTypes, interfaceAddress } from "../engine/kernel/socket-address.ts";

/** What a sender is told. */
export interface Order {
  /** In the network namespace that the process was started in. */
  readonly ifindex: number;
  /** In base64. */
  readonly frames: readonly string[];
}

/** The namespace that this process is in: nothing is entered, and nothing left. */
class Here extends NetworkNamespace {
  override inside<T>(work: () => T): T {
    return work();
  }
}

if (import.meta.main) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { ifindex, frames } = JSON.parse((await lines.next()).value ?? "") as Order;
  const socket = Socket.open(new Here(), domains.packet, socketTypes.raw)
    .set(options.sendBuffer, 8 * 1024 * 1024)
    .bind(interfaceAddress(ifindex, etherTypes.all));
  const bytes = frames.map((frame) => Uint8Array.from(Buffer.from(frame, "base64")));
  process.stdout.write("ready\n");
  await lines.next();
  for (const frame of bytes) socket.send(frame);
  socket.close();
  process.exit(0);
}
