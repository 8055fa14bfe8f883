import koffi from "koffi";
import { BpfError } from "./error.ts";

const library = koffi.load("libc.so.6");

/** `ENOTSUPP`, which the kernel lets out of `bpf(2)` and no C library knows. */
const notSupported = 524;

/** Of two names for one value the first in the alphabet: EAGAIN before EWOULDBLOCK. */
const errorNames: ReadonlyMap<number, string> = new Map([
  [notSupported, "ENOTSUPP"] as const,
  ...Object.entries(koffi.os.errno)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([name, value]) => [value, name] as const),
]);

/** Name of an errno value. */
export function errorName(errno: number): string {
  return errorNames.get(errno) ?? `errno ${errno}`;
}

/** Name of the error that the last foreign call left behind. */
export function lastError(): string {
  return errorName(koffi.errno());
}

/** Address of a buffer's memory; it holds while the buffer is referenced. */
export function addressOf(buffer: ArrayBufferView): bigint {
  return koffi.address(buffer);
}

type Integer = number | bigint;

interface Membarrier {
  (number: number, command: number, flags: number, cpu: number): Integer;
  /** On a thread of its own. */
  async(...call: [...Parameters<Membarrier>, done: (error: Error | null, result: Integer) => void]): void;
}

const functions = {
  syscall: library.func("long syscall(long number, int command, void *attributes, unsigned int size)") as (
    number: number,
    command: number,
    attributes: Uint8Array,
    size: number,
  ) => Integer,
  open: library.func("int open(const char *path, int flags)") as (path: string, flags: number) => number,
  close: library.func("int close(int fd)") as (fd: number) => number,
  read: library.func("long read(int fd, _Out_ uint8_t *data, size_t length)") as (
    fd: number,
    data: Uint8Array,
    length: number,
  ) => Integer,
  mmap: library.func("void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)") as (
    address: null,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ) => bigint,
  munmap: library.func("int munmap(void *address, size_t length)") as (address: bigint, length: number) => number,
  setns: library.func("int setns(int fd, int type)") as (fd: number, type: number) => number,
  sysconf: library.func("long sysconf(int name)") as (name: number) => Integer,
  clock_getres: library.func("int clock_getres(int clock, _Out_ int64_t *resolution)") as (
    clock: number,
    resolution: BigInt64Array,
  ) => number,
  membarrier: library.func("long syscall(long number, int command, unsigned int flags, int cpu)") as Membarrier,
} as const;

/** Declares a libc function by its C prototype, for callers with needs of their own. */
export function declare<F>(prototype: string): F {
  return library.func(prototype) as F;
}

/** Throws a `BpfError` for a negative result. */
export function check(operation: string, result: Integer): number {
  if (result < 0) {
    throw new BpfError(operation, lastError());
  }
  return Number(result);
}

const systemCalls: Readonly<Record<string, { readonly bpf: number; readonly membarrier: number }>> = {
  x64: { bpf: 321, membarrier: 324 },
  arm64: { bpf: 280, membarrier: 283 },
};

function systemCall(name: "bpf" | "membarrier"): number {
  const numbers = systemCalls[process.arch];
  if (numbers === undefined) {
    throw new BpfError(`system calls on ${process.arch}`, "ENOSYS");
  }
  return numbers[name];
}

/** `bpf(2)`; returns the raw result, negative on failure. */
export function bpfSystemCall(command: number, attributes: Uint8Array): number {
  return Number(functions.syscall(systemCall("bpf"), command, attributes, attributes.byteLength));
}

const globalBarrier = 1;

/** MEMBARRIER_CMD_GLOBAL: returns after an RCU grace period, when no packet is still under an older policy. */
export function waitForGracePeriod(): void {
  check("wait for a grace period", functions.membarrier(systemCall("membarrier"), globalBarrier, 0, 0));
}

/** Resolves after a grace period that begins now, while this thread goes on. */
export function gracePeriod(): Promise<void> {
  return new Promise((resolve, reject) => {
    functions.membarrier.async(systemCall("membarrier"), globalBarrier, 0, 0, (error, result) => {
      if (error === null && result >= 0) resolve();
      else reject(error ?? new BpfError("wait for a grace period on another thread", "EINVAL"));
    });
  });
}

/** Opens a file close-on-exec, for reading. */
export function openFile(path: string): number {
  return check(`open ${path}`, functions.open(path, 0o2000000));
}

/** Closes a descriptor. */
export function closeFile(fd: number): void {
  check(`close descriptor ${fd}`, functions.close(fd));
}

/** Reads at most `into.byteLength` bytes; 0 is the end. `EAGAIN` is reported as undefined. */
export function readFile(fd: number, into: Uint8Array): number | undefined {
  const result = Number(functions.read(fd, into, into.byteLength));
  if (result < 0 && lastError() === "EAGAIN") {
    return undefined;
  }
  return check(`read descriptor ${fd}`, result);
}

const pageSizeName = 30;

/** Bytes of a page of memory: 4096 on x86-64, up to 65536 on arm64. */
export function pageSize(): number {
  return check("read the size of a page", functions.sysconf(pageSizeName));
}

/** Maps `length` bytes of a descriptor, shared with the kernel. The memory stays mapped until `unmapMemory`. */
export function mapMemory(fd: number, length: number, writable: boolean, offset = 0): ArrayBuffer {
  const address = functions.mmap(null, length, writable ? 3 : 1, 1, fd, offset);
  if (BigInt.asIntN(64, BigInt(address)) === -1n) {
    throw new BpfError(`map ${length} bytes of descriptor ${fd}`, lastError());
  }
  return koffi.view(address, length);
}

/** Takes back what `mapMemory` gave; the buffer must not be used any more. */
export function unmapMemory(memory: ArrayBuffer): void {
  check("unmap memory", functions.munmap(koffi.address(new Uint8Array(memory)), memory.byteLength));
}

const networkNamespace = 0x40000000;

/** Moves this thread into the network namespace at `path`. Call it on the main thread before others make sockets. */
export function enterNetworkNamespace(path: string): void {
  const fd = openFile(path);
  try {
    check(`enter the network namespace ${path}`, functions.setns(fd, networkNamespace));
  } finally {
    closeFile(fd);
  }
}

/** Runs `work`, which must not wait, with this thread in the network namespace at `path`. */
export function insideNetworkNamespace<T>(path: string, work: () => T): T {
  const home = openFile("/proc/thread-self/ns/net");
  try {
    enterNetworkNamespace(path);
    try {
      return work();
    } finally {
      check("go back to the own network namespace", functions.setns(home, networkNamespace));
    }
  } finally {
    closeFile(home);
  }
}

/** CONFIG_HZ: the coarse clocks' resolution is one jiffy. */
export function measureHz(): number {
  const resolution = new BigInt64Array(2);
  const monotonicCoarse = 6;
  check("read the clock's resolution", functions.clock_getres(monotonicCoarse, resolution));
  return Math.round(1e9 / Number(resolution[1] ?? 4_000_000n));
}
