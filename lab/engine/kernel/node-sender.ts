import { encodePacket } from "../../wire/encode.ts";
import type { WirePacket } from "../ports.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { askedFor } from "./quiet.ts";
import { options, Socket, socketTypes } from "./socket.ts";
import { domains, internetAddress } from "./socket-address.ts";

/** IPPROTO_RAW: the packets come with their IP headers. */
const rawProtocol = 255;
const sendBuffer = 8 * 1024 * 1024;

/** Sends packets out of the node's own stack, through one of its links. */
export class NodeSender {
  readonly #node: NetworkNamespace;
  readonly #link: string;
  readonly #sockets = new Map<number, Socket>();

  constructor(node: NetworkNamespace, link: string) {
    this.#node = node;
    this.#link = link;
  }

  send(packet: WirePacket): void {
    // The port means nothing here, but IPv6 wants it to be the protocol or none.
    this.#socket(domains[packet.family]).sendTo(encodePacket(packet), internetAddress(packet.destination, 0));
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #socket(domain: number): Socket {
    const open = this.#sockets.get(domain);
    if (open !== undefined) return open;
    const socket = Socket.open(this.#node, domain, socketTypes.raw, rawProtocol)
      .set(options.bindToDevice, new TextEncoder().encode(`${this.#link}\0`))
      .set(options.broadcast, 1)
      .set(options.sendBuffer, sendBuffer)
      .set(options.mark, askedFor);
    this.#sockets.set(domain, socket);
    return socket;
  }
}
