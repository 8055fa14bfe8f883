import { check, closeFile, declare, lastError } from "../../../datapath/loader/libc.ts";
import type { NetworkNamespace } from "./namespace.ts";

type Integer = number | bigint;

const calls = {
  socket: declare<(domain: number, type: number, protocol: number) => number>("int socket(int, int, int)"),
  bind: declare<(fd: number, address: Uint8Array, size: number) => number>("int bind(int, const uint8_t *, int)"),
  connect: declare<(fd: number, address: Uint8Array, size: number) => number>("int connect(int, const uint8_t *, int)"),
  listen: declare<(fd: number, backlog: number) => number>("int listen(int, int)"),
  accept: declare<(fd: number, address: null, size: null, flags: number) => number>(
    "int accept4(int, void *, void *, int)",
  ),
  send: declare<(fd: number, data: Uint8Array, size: number, flags: number) => Integer>(
    "long send(int, const uint8_t *, size_t, int)",
  ),
  sendto: declare<
    (fd: number, data: Uint8Array, size: number, flags: number, to: Uint8Array, toSize: number) => Integer
  >("long sendto(int, const uint8_t *, size_t, int, const uint8_t *, int)"),
  recv: declare<(fd: number, into: Uint8Array, size: number, flags: number) => Integer>(
    "long recv(int, _Out_ uint8_t *, size_t, int)",
  ),
  shutdown: declare<(fd: number, how: number) => number>("int shutdown(int, int)"),
  setsockopt: declare<(fd: number, level: number, name: number, value: Uint8Array, size: number) => number>(
    "int setsockopt(int, int, int, const uint8_t *, int)",
  ),
  getsockopt: declare<(fd: number, level: number, name: number, value: Uint8Array, size: Uint32Array) => number>(
    "int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)",
  ),
  ioctl: declare<(fd: number, request: number, value: Int32Array) => number>(
    "int ioctl(int, unsigned long, _Out_ int32_t *)",
  ),
  close: declare<{ async(fd: number, done: (error: Error | null, result: number) => void): void }>("int close(int)"),
} as const;

export const socketTypes = { stream: 1, datagram: 2, raw: 3 } as const;
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;
/** MSG_NOSIGNAL: a peer that is gone is an error, not a signal. */
const noSignal = 0x4000;
const listenBacklog = 8;
/** SIOCOUTQ. */
const unacknowledgedBytes = 0x5411;

/** Options of the socket calls, as [level, name]. */
export const options = {
  reuseAddress: [1, 2],
  error: [1, 4],
  broadcast: [1, 6],
  linger: [1, 13],
  bindToDevice: [1, 25],
  /** Beyond what the system allows others. */
  sendBuffer: [1, 32],
  receiveBuffer: [1, 33],
  mark: [1, 36],
  tcpNoDelay: [6, 1],
  tcpInfo: [6, 11],
  tcpQuickAck: [6, 12],
  packetVnetHeader: [263, 15],
  packetQdiscBypass: [263, 20],
  packetIgnoreOutgoing: [263, 23],
} as const satisfies Record<string, readonly [number, number]>;

type Option = (typeof options)[keyof typeof options];

/** A socket in a network namespace. No call waits: what would is undefined. */
export class Socket {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static open(namespace: Pick<NetworkNamespace, "inside">, domain: number, type: number, protocol = 0): Socket {
    return namespace.inside(
      () => new Socket(check("make a socket", calls.socket(domain, type | nonBlocking | closeOnExec, protocol))),
    );
  }

  set([level, name]: Option, value: number | Uint8Array): this {
    const bytes = typeof value === "number" ? new Uint8Array(Int32Array.of(value).buffer) : value;
    check(`set socket option ${name}`, calls.setsockopt(this.#fd, level, name, bytes, bytes.length));
    return this;
  }

  /** Up to `size` bytes of an option's value. */
  get([level, name]: Option, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    check(`get socket option ${name}`, calls.getsockopt(this.#fd, level, name, bytes, Uint32Array.of(size)));
    return bytes;
  }

  bind(address: Uint8Array): this {
    check("bind a socket", calls.bind(this.#fd, address, address.length));
    return this;
  }

  /** Begins to connect; a TCP socket is connected only later. */
  connect(address: Uint8Array): this {
    const result = calls.connect(this.#fd, address, address.length);
    if (result < 0 && lastError() !== "EINPROGRESS") check("connect a socket", result);
    return this;
  }

  listen(): this {
    check("listen on a socket", calls.listen(this.#fd, listenBacklog));
    return this;
  }

  accept(): Socket | undefined {
    const fd = calls.accept(this.#fd, null, null, nonBlocking | closeOnExec);
    if (fd < 0 && lastError() === "EAGAIN") return undefined;
    return new Socket(check("accept a connection", fd));
  }

  send(data: Uint8Array): void {
    check("send", calls.send(this.#fd, data, data.length, noSignal));
  }

  sendTo(data: Uint8Array, address: Uint8Array): void {
    check("send", calls.sendto(this.#fd, data, data.length, noSignal, address, address.length));
  }

  /** Number of bytes read, 0 at the end of a stream. */
  receive(into: Uint8Array): number | undefined {
    const length = Number(calls.recv(this.#fd, into, into.length, 0));
    if (length < 0 && lastError() === "EAGAIN") return undefined;
    return check("receive", length);
  }

  /** No more will be sent. */
  shutdown(): void {
    check("shut down a connection", calls.shutdown(this.#fd, 1));
  }

  /** Bytes that the other side has not acknowledged. */
  unacknowledged(): number {
    const value = new Int32Array(1);
    check("ask for unacknowledged bytes", calls.ioctl(this.#fd, unacknowledgedBytes, value));
    return value[0] ?? 0;
  }

  close(): void {
    closeFile(this.#fd);
  }

  /** Closes it on another thread. */
  closeAside(): Promise<void> {
    return new Promise((resolve, reject) => {
      calls.close.async(this.#fd, (error, result) => {
        if (error === null && result === 0) resolve();
        else reject(error ?? new Error(`close descriptor ${this.#fd} failed`));
      });
    });
  }
}
