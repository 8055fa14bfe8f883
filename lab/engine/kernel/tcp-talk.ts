import type { Conversation } from "../ports.ts";
import { mute, openAt, reset } from "./endpoint-socket.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { options, type Socket, socketTypes } from "./socket.ts";
import { internetAddress } from "./socket-address.ts";
import { message, type Stage, type Talk } from "./talk.ts";

/** States of `tcp_info` (include/net/tcp_states.h). */
const established = 1;
const closed = 7;

const stateOf = (socket: Socket): number => socket.get(options.tcpInfo, 1)[0] ?? 0;

/** Sends an acknowledgement that waits for company. */
const acknowledge = (socket: Socket): unknown => socket.set(options.tcpQuickAck, 1);

/** Bytes of a stream that one side has sent, and the other read. */
class Stream {
  #sent = 0;
  #read = 0;
  readonly #buffer = new Uint8Array(4096);

  send(from: Socket): void {
    from.send(message);
    this.#sent += message.length;
  }

  /** Reads what is there; whether that is all that was sent. */
  read(to: Socket): boolean {
    this.#read += to.receive(this.#buffer) ?? 0;
    return this.#read >= this.#sent;
  }

  /** Whether its end has come. */
  ended(to: Socket): boolean {
    return to.receive(this.#buffer) === 0;
  }
}

/** A TCP connection between two real stacks. */
export class TcpTalk implements Talk {
  readonly #far: Uint8Array;
  readonly #listener: Socket;
  readonly #client: Socket;
  #server: Socket | undefined;
  readonly #requests = new Stream();
  readonly #replies = new Stream();
  /** Sockets that are not closed yet. */
  readonly #open = new Set<Socket>();

  constructor(conversation: Conversation, client: NetworkNamespace, server: NetworkNamespace) {
    this.#far = internetAddress(conversation.destination, conversation.port);
    const near = internetAddress(conversation.source, conversation.sourcePort);
    this.#listener = openAt(server, this.#far, socketTypes.stream).listen();
    this.#open.add(this.#listener);
    try {
      this.#client = openAt(client, near, socketTypes.stream).set(options.tcpNoDelay, 1);
      this.#open.add(this.#client);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  connect(): Stage {
    this.#client.connect(this.#far);
    return () => {
      if (this.#server === undefined) this.#accept();
      return this.#server !== undefined && stateOf(this.#client) === established;
    };
  }

  exchange(): Stage {
    const client = this.#client;
    const server = this.#connected();
    this.#requests.send(client);
    let replied = false;
    return () => {
      acknowledge(server);
      if (this.#requests.read(server) && !replied) {
        this.#replies.send(server);
        replied = true;
      }
      acknowledge(client);
      const answered = replied && this.#replies.read(client);
      return answered && client.unacknowledged() === 0 && server.unacknowledged() === 0;
    };
  }

  close(how: "fin" | "rst"): Stage {
    return how === "fin" ? this.#finish() : this.#reset();
  }

  mute(muted: boolean): void {
    for (const socket of this.#open) mute(socket, muted);
  }

  abandon(): void {
    this.mute(true);
    for (const socket of this.#open) reset(socket);
    this.#open.clear();
  }

  #accept(): void {
    this.#server = this.#listener.accept();
    if (this.#server === undefined) return;
    this.#open.add(this.#server);
    this.#server.set(options.tcpNoDelay, 1);
    this.#open.delete(this.#listener);
    this.#listener.close();
  }

  #connected(): Socket {
    if (this.#server === undefined) throw new Error("a TCP conversation goes on before it is connected");
    return this.#server;
  }

  #finish(): Stage {
    const client = this.#client;
    const server = this.#connected();
    client.shutdown();
    let answered = false;
    return () => {
      if (!answered && this.#requests.ended(server)) {
        server.shutdown();
        answered = true;
      }
      return answered && stateOf(server) === closed;
    };
  }

  #reset(): Stage {
    const server = this.#connected();
    this.#open.delete(this.#client);
    reset(this.#client);
    return () => stateOf(server) === closed;
  }
}
