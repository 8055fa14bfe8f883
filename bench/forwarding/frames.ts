import { openBpf } from "../../datapath/loader/open.ts";
import type { BpfLink, BpfProgram, LoadedObject } from "../../datapath/loader/ports.ts";
import { Attributes, bpf, command } from "../../datapath/loader/syscall.ts";
import { sandboxBpffs } from "../../datapath/loader/test/sandbox.ts";
import { addressBytes } from "../../semantics/address.ts";
import { address } from "../packets.ts";
import { type Router, type Station, stationIndex } from "./router.ts";

/** Which flows frames belong to: one of the first `count` at random, or new ones from `first` on. */
export type Flows = { readonly count: number } | { readonly first: number };

/** Who sends: the client, who begins the flows, or the server, who answers. */
export type Sender = "client" | "server";

/** What became of frames. */
export interface Sent {
  readonly nanoseconds: number;
  readonly arrived: number;
}

/** Offsets in `struct frame_plan` (forward.bpf.c). */
const fields = { headers: 0, flows: 40, nextFlow: 44, random: 48, reply: 52, arrived: 56 } as const;
const ethernetHeader = 14;
const ipHeader = 20;
const frameSize = 64;
const udp = 17;

/** `BPF_XDP` and `BPF_F_TEST_XDP_LIVE_FRAMES` (include/uapi/linux/bpf.h). */
const xdp = 37;
const liveFrames = 2;

function macBytes(text: string): number[] {
  return text.split(":").map((byte) => Number.parseInt(byte, 16));
}

/** RFC 1071. */
function checksum(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  let sum = 0;
  for (let at = 0; at < header.byteLength; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** A UDP datagram without a checksum as the router gets it from a station, but for its ports. */
function frameOf(from: Station, to: Station): Uint8Array {
  const frame = new Uint8Array(frameSize);
  frame.set([...macBytes(from.port.mac), ...macBytes(from.mac), 8, 0]);
  const header = frame.subarray(ethernetHeader, ethernetHeader + ipHeader);
  const view = new DataView(frame.buffer, ethernetHeader);
  view.setUint8(0, 0x45);
  view.setUint16(2, frameSize - ethernetHeader);
  view.setUint8(8, 64);
  view.setUint8(9, udp);
  header.set(addressBytes(address(from.address)).bytes, 12);
  header.set(addressBytes(address(to.address)).bytes, 16);
  view.setUint16(10, checksum(header));
  view.setUint16(ipHeader + 4, frameSize - ethernetHeader - ipHeader);
  return frame;
}

function required<T>(things: ReadonlyMap<string, T>, name: string): T {
  const thing = things.get(name);
  if (thing === undefined) throw new Error(`forward.bpf.c has no ${name}`);
  return thing;
}

/** Puts frames into a router as if they came from one of its stations, and counts those that reach the other. */
export class FrameSource {
  readonly #router: Router;
  readonly #object: LoadedObject;
  readonly #plan: DataView;
  readonly #links: BpfLink[] = [];

  private constructor(router: Router, object: LoadedObject) {
    this.#router = router;
    this.#object = object;
    this.#plan = new DataView(required(object.maps, "frame_plan").mmap());
    this.#plan.setUint32(fields.random, 2_463_534_242, true);
  }

  /** `object` is the compiled forward.bpf.c. */
  static async start(router: Router, object: string): Promise<FrameSource> {
    const loaded = openBpf().load({ object, pinRoot: sandboxBpffs, constants: {}, mapSizes: {} });
    const source = new FrameSource(router, loaded);
    await source.#attach();
    return source;
  }

  /**
   * Mean nanoseconds of a frame on its way to the far station, and how many came there. Undefined: a signal to this
   * process ended the run early, as the kernel has it.
   */
  async send(sender: Sender, flows: Flows, count: number): Promise<Sent | undefined> {
    const { client, server, netns } = this.#router;
    const [from, to] = sender === "client" ? [client, server] : [server, client];
    const frame = frameOf(from, to);
    new Uint8Array(this.#plan.buffer, 0, ethernetHeader + ipHeader).set(frame.subarray(0, ethernetHeader + ipHeader));
    this.#plan.setUint32(fields.flows, "count" in flows ? flows.count : 0, true);
    this.#plan.setUint32(fields.nextFlow, "first" in flows ? flows.first : 0, true);
    this.#plan.setUint32(fields.reply, sender === "server" ? 1 : 0, true);
    this.#plan.setBigUint64(fields.arrived, 0n, true);
    // struct xdp_md: where the data ends, and the interface that it came from.
    const context = new Attributes(24).u32(4, frame.byteLength).u32(12, from.port.ifindex);
    const attributes = new Attributes(80)
      .u32(0, this.#program("make_frame").fd)
      .u32(8, frame.byteLength)
      .pointer(16, frame)
      .u32(32, count)
      .u32(40, context.bytes.byteLength)
      .pointer(48, context.bytes)
      .u32(64, liveFrames);
    const run = () => bpf("put live frames into the network", command.testRun, attributes, ["EINTR"]);
    if ((await netns.run(run)) === "EINTR") return undefined;
    return { nanoseconds: attributes.read(36), arrived: Number(this.#plan.getBigUint64(fields.arrived, true)) };
  }

  close(): void {
    for (const link of this.#links) link.close();
    this.#object.close();
  }

  async #attach(): Promise<void> {
    const { client, server, netns } = this.#router;
    for (const station of [client, server]) {
      const own = await stationIndex(station);
      this.#links.push(await station.netns.run(() => openBpf().attachTcx(this.#program("sink"), own, "ingress")));
      await netns.run(() => {
        const attributes = new Attributes(64).u32(0, this.#program("pass").fd).u32(4, station.port.ifindex).u32(8, xdp);
        // The link lasts as long as this process, as the router does.
        bpf(`attach pass to interface ${station.port.ifindex}`, command.linkCreate, attributes);
      });
    }
  }

  #program(name: string): BpfProgram {
    return required(this.#object.programs, name);
  }
}
