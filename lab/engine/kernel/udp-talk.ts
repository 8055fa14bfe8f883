import type { Conversation } from "../ports.ts";
import { mute, openAt } from "./endpoint-socket.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { options, type Socket, socketTypes } from "./socket.ts";
import { internetAddress } from "./socket-address.ts";
import { message, type Stage, type Talk } from "./talk.ts";

/** A request and its response, again and again, between two connected UDP sockets. */
export class UdpTalk implements Talk {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #buffer = new Uint8Array(message.length);

  constructor(conversation: Conversation, client: NetworkNamespace, server: NetworkNamespace) {
    const near = internetAddress(conversation.source, conversation.sourcePort);
    const far = internetAddress(conversation.destination, conversation.port);
    this.#server = openAt(server, far, socketTypes.datagram).connect(near);
    try {
      this.#client = openAt(client, near, socketTypes.datagram).connect(far);
    } catch (error) {
      this.#server.close();
      throw error;
    }
  }

  connect(): Stage {
    return this.exchange();
  }

  exchange(): Stage {
    for (const socket of [this.#client, this.#server]) {
      // Takes what an ICMP error of an earlier step left behind, and what came too late.
      socket.get(options.error, 4);
      while (socket.receive(this.#buffer) !== undefined);
    }
    this.#client.send(message);
    return () => {
      if (this.#server.receive(this.#buffer) !== undefined) this.#server.send(message);
      return this.#client.receive(this.#buffer) !== undefined;
    };
  }

  /** UDP has nothing to say at its end. */
  close(): Stage {
    return () => true;
  }

  mute(muted: boolean): void {
    mute(this.#client, muted);
    mute(this.#server, muted);
  }

  abandon(): void {
    this.#client.close();
    this.#server.close();
  }
}
