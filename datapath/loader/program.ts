import { closeFile } from "./libc.ts";
import { pinObject } from "./map.ts";
import type { BpfProgram, TestRunInput, TestRunOutput } from "./ports.ts";
import { Attributes, bpf, command } from "./syscall.ts";

/** sizeof(struct __sk_buff). */
const skbSize = 192;
const skbFields = { ingressIfindex: 36, ifindex: 40, tstamp: 152, gsoSize: 176 } as const;
/** Offset of `verified_insns` in struct bpf_prog_info. */
const verifiedInstructions = 216;
const loopback = 1;

function readInfo(fd: number): { id: number; verified: number } {
  const info = new Attributes(232);
  const attributes = new Attributes(16).u32(0, fd).u32(4, 232).pointer(8, info.bytes);
  bpf(`describe program ${fd}`, command.infoByFd, attributes);
  return { id: info.read(4), verified: info.read(verifiedInstructions) };
}

/** A program in the kernel, known by its descriptor. */
export class KernelProgram implements BpfProgram {
  readonly name: string;
  readonly fd: number;
  readonly id: number;
  readonly verifiedInstructions: number;
  readonly #run: Attributes;
  readonly #skb = new Attributes(skbSize);
  readonly #skbAfter = new Attributes(skbSize);
  readonly #data = Buffer.allocUnsafeSlow(65536);

  constructor(fd: number, name: string) {
    const { id, verified } = readInfo(fd);
    this.name = name;
    this.fd = fd;
    this.id = id;
    this.verifiedInstructions = verified;
    this.#run = new Attributes(80)
      .u32(0, fd)
      .pointer(16, this.#data)
      .u32(40, skbSize)
      .pointer(48, this.#skb.bytes)
      .pointer(56, this.#skbAfter.bytes);
  }

  testRun({ data, ifindex = loopback, ingressIfindex = 0, gsoSize = 0, repeat = 1 }: TestRunInput): TestRunOutput {
    this.#data.set(data);
    this.#skb
      .u32(skbFields.ifindex, ifindex)
      .u32(skbFields.ingressIfindex, ingressIfindex)
      .u32(skbFields.gsoSize, gsoSize);
    // The kernel leaves the packet's size where the next run would ask for so many bytes of room at most.
    this.#run.u32(8, data.byteLength).u32(12, 0).u32(32, repeat).u32(36, 0).u32(44, skbSize);
    bpf(`run program ${this.name}`, command.testRun, this.#run);
    return {
      returnValue: this.#run.read(4) | 0,
      duration: this.#run.read(36),
      deliveryTime: this.#skbAfter.readU64(skbFields.tstamp),
    };
  }

  run(context: Uint8Array): number {
    const attributes = new Attributes(80).u32(0, this.fd).u32(40, context.byteLength).pointer(48, context);
    bpf(`run program ${this.name}`, command.testRun, attributes);
    return attributes.read(4) | 0;
  }

  pin(path: string): void {
    pinObject(this.fd, path, `program ${this.name}`);
  }

  close(): void {
    closeFile(this.fd);
  }
}
