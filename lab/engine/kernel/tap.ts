import type { Family } from "../../../semantics/policy.ts";
import { ethernetHeader } from "../../wire/encode.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { options, Socket, socketTypes } from "./socket.ts";
import { domains, etherTypes, interfaceAddress } from "./socket-address.ts";

/** Bytes; the kernel counts many more for a frame than it has. */
const buffer = 8 * 1024 * 1024;
const longestFrame = 65_535 + ethernetHeader;
const scratch = new Uint8Array(longestFrame);

/** Sends and sees frames at an interface. */
export class Tap {
  readonly #socket: Socket;

  private constructor(namespace: NetworkNamespace, ifindex: number, etherType: number) {
    this.#socket = Socket.open(namespace, domains.packet, socketTypes.raw)
      .set(options.packetIgnoreOutgoing, 1)
      .set(options.receiveBuffer, buffer)
      .set(options.sendBuffer, buffer)
      .bind(interfaceAddress(ifindex, etherType));
  }

  /** Sees every frame that comes in, before any program or rule of that interface does. */
  static everything(namespace: NetworkNamespace, ifindex: number): Tap {
    return new Tap(namespace, ifindex, etherTypes.all);
  }

  /** Sees the packets of a family that come in, after the programs at the interface have let them pass. */
  static passed(namespace: NetworkNamespace, ifindex: number, family: Family): Tap {
    return new Tap(namespace, ifindex, etherTypes[family]);
  }

  send(frame: Uint8Array): void {
    this.#socket.send(frame);
  }

  /** The packets that came in since the last call, from their IP header on. */
  read(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (;;) {
      const length = this.#socket.receive(scratch);
      if (length === undefined) return packets;
      packets.push(scratch.slice(ethernetHeader, length));
    }
  }

  /** The kernel takes some milliseconds for it, which other taps can share. */
  close(): Promise<void> {
    return this.#socket.closeAside();
  }
}
