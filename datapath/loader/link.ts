import { closeFile } from "./libc.ts";
import { pinObject } from "./map.ts";
import type { BpfLink, BpfMap, BpfProgram } from "./ports.ts";
import { Attributes, bpf, command } from "./syscall.ts";

const tcxIngress = 46;
const tcxEgress = 47;
const traceIter = 28;
/** `BPF_F_BEFORE`; with neither a program nor a link to stand before, it means first of all. */
const before = 1 << 3;

/** An attachment, known by its descriptor. */
export class KernelLink implements BpfLink {
  readonly fd: number;
  readonly id: number;

  constructor(fd: number) {
    const info = new Attributes(64);
    bpf(`describe link ${fd}`, command.infoByFd, new Attributes(16).u32(0, fd).u32(4, 64).pointer(8, info.bytes));
    this.fd = fd;
    this.id = info.read(4);
  }

  pin(path: string): void {
    pinObject(this.fd, path, "link");
  }

  update(program: BpfProgram): void {
    bpf(
      `exchange the program of link ${this.id}`,
      command.linkUpdate,
      new Attributes(24).u32(0, this.fd).u32(4, program.fd),
    );
  }

  detach(): void {
    bpf(`detach link ${this.id}`, command.linkDetach, new Attributes(8).u32(0, this.fd));
  }

  close(): void {
    closeFile(this.fd);
  }
}

/** Attaches a program at tcx, before all others. */
export function attachTcx(program: BpfProgram, ifindex: number, point: "ingress" | "egress"): BpfLink {
  const attributes = new Attributes(64)
    .u32(0, program.fd)
    .u32(4, ifindex)
    .u32(8, point === "ingress" ? tcxIngress : tcxEgress)
    .u32(12, before);
  const what = `attach ${program.name} at tcx ${point} of interface ${ifindex}`;
  return new KernelLink(bpf(what, command.linkCreate, attributes));
}

/** Descriptor that reads what an iterator program writes about a map. The caller closes it. */
export function openMapIterator(program: BpfProgram, map: BpfMap): number {
  const target = new Attributes(16).u32(0, map.fd);
  const what = `walk map ${map.name} with ${program.name}`;
  const link = bpf(
    what,
    command.linkCreate,
    new Attributes(64).u32(0, program.fd).u32(8, traceIter).pointer(16, target.bytes).u32(24, 16),
  );
  try {
    return bpf(what, command.iterCreate, new Attributes(8).u32(0, link));
  } finally {
    closeFile(link);
  }
}
