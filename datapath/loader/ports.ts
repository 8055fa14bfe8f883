import type { Btf } from "./btf.ts";

/**
 * The loader's port: the little of `bpf(2)` and libbpf that the agent needs. Everything above it is free of FFI.
 * Failures are thrown as `BpfError`, descriptors are close-on-exec. The only implementation talks to the kernel; there
 * is no fake of it, since the kernel is always there to test with.
 */

/** `BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST`. */
export type UpdateMode = "any" | "create" | "replace";

/** One BPF map. Keys and values are raw bytes in the machine's byte order. */
export interface BpfMap {
  readonly name: string;
  readonly fd: number;
  readonly id: number;
  readonly keySize: number;
  /** Bytes of one value; of a per-CPU map, of one CPU's value, rounded up to 8. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Undefined when there is no such key. Per-CPU maps return the values of all possible CPUs one after another. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array, mode?: UpdateMode): void;
  /** Whether the key was there. */
  delete(key: Uint8Array): boolean;
  /** All entries at about one time (batched where the kernel can, else by key iteration). */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** Values of an array at `count` indices from `first` on, as `lookup` returns them. */
  lookupRange(first: number, count: number): Uint8Array[];
  /** Writes many entries; batched where the kernel can. */
  updateMany(entries: readonly (readonly [Uint8Array, Uint8Array])[]): void;
  /** Deletes many keys; those that are gone already are no error. Returns how many were there. */
  deleteMany(keys: readonly Uint8Array[]): number;
  /** The values of a `BPF_F_MMAPABLE` array as shared memory; writes are seen by programs at once. */
  mmap(): ArrayBuffer;
  /** Pins under `path`; an existing pin there is an error. */
  pin(path: string): void;
  close(): void;
}

/** Inner maps of an array of maps take a map's descriptor as the 4-byte value; reading back gives its id. */
export interface MapSpec {
  readonly type: "hash" | "array" | "percpu-array" | "lpm-trie" | "array-of-maps" | "ringbuf";
  /** At most 15 bytes. */
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: readonly ("no-prealloc" | "mmapable")[];
  readonly innerMap?: BpfMap;
}

export interface TestRunInput {
  /** The packet, from its Ethernet header on. */
  readonly data: Uint8Array;
  /** `__sk_buff.ifindex`; must exist in the caller's network namespace. Absent: the namespace's loopback. */
  readonly ifindex?: number;
  /** `__sk_buff.ingress_ifindex`, any number. */
  readonly ingressIfindex?: number;
  /** `__sk_buff.gso_size`: bytes of each segment that a super-packet stands for. Default 0: none. */
  readonly gsoSize?: number;
  /** Times the kernel runs the program. Default 1. */
  readonly repeat?: number;
}

export interface TestRunOutput {
  /** The program's return value, signed. */
  readonly returnValue: number;
  /** Mean nanoseconds per run, as the kernel measured it. */
  readonly duration: number;
  /** `__sk_buff.tstamp` afterwards: when the packet is to leave, in nanoseconds of the monotonic clock; 0: at once. */
  readonly deliveryTime: bigint;
}

export interface BpfProgram {
  readonly name: string;
  readonly fd: number;
  readonly id: number;
  /** Instructions that the verifier processed (`bpf_prog_info.verified_insns`). */
  readonly verifiedInstructions: number;
  testRun(input: TestRunInput): TestRunOutput;
  /** Runs a `SEC("syscall")` program with `context` as its argument; the bytes come back changed in place. */
  run(context: Uint8Array): number;
  pin(path: string): void;
  close(): void;
}

/** A tcx attachment; it lasts as long as the link's descriptor or its pin. */
export interface BpfLink {
  readonly fd: number;
  readonly id: number;
  pin(path: string): void;
  /** `BPF_LINK_UPDATE`: exchanges the program without a gap. */
  update(program: BpfProgram): void;
  /** `BPF_LINK_DETACH`. */
  detach(): void;
  close(): void;
}

/** A place for programs at an interface of the caller's network namespace, as seen from the interface. */
export interface Hook {
  readonly ifindex: number;
  readonly point: "ingress" | "egress";
}

export interface LoadOptions {
  /**
   * Folder on a bpffs for the maps that the object declares `LIBBPF_PIN_BY_NAME` (libbpf's `pin_root_path`): pinned
   * there when they are made, taken from there when their definition fits. Must exist.
   */
  readonly pinRoot: string;
  /** Path of the compiled object. */
  readonly object: string;
  /** New values of `const volatile` variables in `.rodata`, by name; the size comes from BTF. */
  readonly constants: Readonly<Record<string, number | bigint>>;
  /** `max_entries` by map name, in place of the object's. */
  readonly mapSizes: Readonly<Record<string, number>>;
  /** The programs to load. Default: all of the object's. */
  readonly programs?: (name: string) => boolean;
}

/** What an object became in the kernel. Its maps and programs are closed with it, and not one by one. */
export interface LoadedObject {
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly programs: ReadonlyMap<string, BpfProgram>;
  close(): void;
}

/** One read of a ring buffer's records since the last one. */
export interface RingReader {
  read(): Uint8Array[];
  close(): void;
}

export interface Bpf {
  load(options: LoadOptions): LoadedObject;
  createMap(spec: MapSpec): BpfMap;
  /** Opens a map by its id, such as an inner map that another process made. */
  openMap(id: number): BpfMap;
  openPinnedMap(path: string): BpfMap;
  openPinnedLink(path: string): BpfLink;
  /** The types that a map was made with; `ENOENT` where there are none. */
  typesOf(map: BpfMap): Btf;
  /** Attaches at tcx, before all programs that are there (`BPF_F_BEFORE`). `point` is seen from the interface. */
  attachTcx(program: BpfProgram, ifindex: number, point: "ingress" | "egress"): BpfLink;
  /**
   * Attaches for good, before all programs that are there: at tcx, or where the kernel has none (before 6.6), at
   * clsact. What is there already of an earlier call, by whatever process, is exchanged without a gap. `pin` is the
   * hook's own path on a bpffs.
   */
  attach(program: BpfProgram, hook: Hook, pin: string): void;
  /** Takes back `attach`. An interface that is gone has taken its attachments along, and is no error. */
  detach(hook: Hook, pin: string): void;
  readRing(map: BpfMap): RingReader;
  /** Returns when no packet is under a program or policy any more that was in force at the call. */
  waitForGracePeriod(): void;
  /** The same without waiting: resolves then. */
  gracePeriod(): Promise<void>;
  /**
   * Walks a map with a `SEC("iter/bpf_map_elem")` program; each step reads up to `bytes` of what the program
   * writes with `bpf_seq_write`. Ends when the walk is over.
   */
  iterate(program: BpfProgram, map: BpfMap, bytes: number): Iterable<Uint8Array>;
  /** Ticks of `jiffies` a second (CONFIG_HZ), measured. */
  readonly hz: number;
  /** Possible CPUs: how many values a per-CPU lookup returns. */
  readonly possibleCpus: number;
}
