import type { NetworkNamespace } from "./namespace.ts";
import { askedFor } from "./quiet.ts";
import { options, Socket, type socketTypes } from "./socket.ts";

const unasked = 0;

/** SO_LINGER on, with no time: closing discards what is unsent and resets the connection. */
const abort = new Uint8Array(Int32Array.of(1, 0).buffer);

/** Makes a conversation's socket at its address. */
export function openAt(
  namespace: NetworkNamespace,
  address: Uint8Array,
  type: typeof socketTypes.stream | typeof socketTypes.datagram,
): Socket {
  const domain = address[0] ?? 0;
  const socket = Socket.open(namespace, domain, type);
  try {
    return socket.set(options.mark, askedFor).set(options.reuseAddress, 1).bind(address);
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Whether what the stack sends for a socket leaves the machine. */
export function mute(socket: Socket, muted: boolean): void {
  socket.set(options.mark, muted ? unasked : askedFor);
}

/** Closes a connection by a RST; of a muted one nobody hears. */
export function reset(socket: Socket): void {
  socket.set(options.linger, abort);
  socket.close();
}
