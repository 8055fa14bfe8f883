import { check, closeFile, declare, insideNetworkNamespace, openFile } from "../../../datapath/loader/libc.ts";
import { interfaceIndex, ip } from "../../../datapath/loader/test/sandbox.ts";

const newNetwork = 0x40000000;
const packetFamily = 17;
const rawSocket = 3;
/** sizeof(struct sockaddr_ll). */
const linkAddressSize = 20;

const unshare = declare<(flags: number) => number>("int unshare(int flags)");
const setns = declare<(fd: number, type: number) => number>("int setns(int fd, int type)");
const makeSocket = declare<(family: number, type: number, protocol: number) => number>(
  "int socket(int family, int type, int protocol)",
);
const sendTo = declare<
  (fd: number, data: Uint8Array, length: number, flags: number, to: Uint8Array, size: number) => number | bigint
>("long sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *to, unsigned int size)");

function makeNamespace(): number {
  const home = openFile("/proc/thread-self/ns/net");
  try {
    check("make a network namespace", unshare(newNetwork));
    const made = openFile("/proc/thread-self/ns/net");
    check("go back to the own network namespace", setns(home, newNetwork));
    return made;
  } finally {
    closeFile(home);
  }
}

/** A network namespace behind a veth pair, as a pod is; gone when it is closed. */
export class TestPod {
  /** Interface index of the host's end. */
  readonly ifindex: number;
  /** Interface index of the pod's own end. */
  readonly inner: number;
  readonly #namespace = makeNamespace();
  readonly #socket: number;

  constructor(name: string) {
    ip(`link add ${name} type veth peer name ${name}-pod`);
    // Without an address of its own an interface sends nothing unasked.
    for (const end of [name, `${name}-pod`]) ip(`link set ${end} addrgenmode none`);
    ip(`link set ${name}-pod netns ${this.netns} name eth0`);
    ip(`link set ${name} up`);
    this.ifindex = interfaceIndex(name);
    this.inner = this.inside(() => {
      ip("link set eth0 up");
      return interfaceIndex("eth0");
    });
    this.#socket = this.inside(() => check("make a socket", makeSocket(packetFamily, rawSocket, 0)));
  }

  /** Path of the namespace. */
  get netns(): string {
    return `/proc/${process.pid}/fd/${this.#namespace}`;
  }

  inside<T>(work: () => T): T {
    return insideNetworkNamespace(this.netns, work);
  }

  /** Puts a frame on the pod's end of the wire. It has been through every hook when this returns. */
  send(frame: Uint8Array): void {
    const to = new Uint8Array(linkAddressSize);
    const view = new DataView(to.buffer);
    view.setUint16(0, packetFamily, true);
    view.setInt32(4, this.inner, true);
    view.setUint8(11, 6);
    check("send a frame", sendTo(this.#socket, frame, frame.length, 0, to, to.length));
  }

  close(): void {
    closeFile(this.#socket);
    closeFile(this.#namespace);
  }
}
