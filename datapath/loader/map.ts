import { readFileSync } from "node:fs";
import { type BatchedMap, deleteBatch, readBatches, readRange, updateBatch } from "./batch.ts";
import { BpfError } from "./error.ts";
import { closeFile, mapMemory, pageSize } from "./libc.ts";
import type { BpfMap, MapSpec, UpdateMode } from "./ports.ts";
import { Attributes, bpf, command } from "./syscall.ts";

const types = {
  hash: 1,
  array: 2,
  "percpu-array": 6,
  "lpm-trie": 11,
  "array-of-maps": 12,
  ringbuf: 27,
} as const;

const lruHash = 9;

const flagBits = { "no-prealloc": 1, mmapable: 1 << 10 } as const;

const modes: Readonly<Record<UpdateMode, number>> = { any: 0, create: 1, replace: 2 };

const perCpuTypes: ReadonlySet<number> = new Set([5, 6, 10, 21]);

/** Types that every supported kernel (6.1 and later) reads, writes and deletes from in batches. */
const hashLike = [types.hash, lruHash, types["lpm-trie"]];
const readInBatches: ReadonlySet<number> = new Set([...hashLike, types.array, types["percpu-array"]]);
/** Into an array of maps a batch waits for one grace period from 6.8 on, and single writes for one each. */
const writtenInBatches: ReadonlySet<number> = new Set([...readInBatches, types["array-of-maps"]]);
const deletedInBatches: ReadonlySet<number> = new Set(hashLike);

function round8(size: number): number {
  return (size + 7) & ~7;
}

/** CPUs that may ever be present (`/sys/devices/system/cpu/possible`, such as `0-3` or `0,2-3`). */
export function countPossibleCpus(text = readFileSync("/sys/devices/system/cpu/possible", "utf8")): number {
  return text
    .trim()
    .split(",")
    .map((range) => range.split("-").map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}

interface MapInfo {
  readonly type: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly name: string;
}

function readInfo(fd: number): MapInfo {
  const info = new Attributes(96);
  const attributes = new Attributes(16).u32(0, fd).u32(4, 88).pointer(8, info.bytes);
  bpf(`describe map ${fd}`, command.infoByFd, attributes);
  const name = Buffer.from(info.bytes.subarray(24, 40)).toString().replace(/\0.*$/, "");
  return {
    type: info.read(0),
    id: info.read(4),
    keySize: info.read(8),
    valueSize: info.read(12),
    maxEntries: info.read(16),
    name,
  };
}

let largestValue = Buffer.allocUnsafeSlow(4096);

/** Memory for a value on its way, lent to all maps: a node has hundreds, and policies are large. */
function valueBuffer(size: number): Uint8Array {
  if (size > largestValue.byteLength) largestValue = Buffer.allocUnsafeSlow(size);
  return largestValue;
}

/** A map in the kernel, known by its descriptor. */
export class KernelMap implements BpfMap, BatchedMap {
  readonly name: string;
  readonly fd: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly #type: number;
  readonly lookupSize: number;
  readonly #key: Uint8Array;
  readonly #value: Uint8Array;
  /** One element's attributes: fd at 0, key at 8, value at 16, flags at 24. */
  readonly #element: Attributes;
  /** fd at 0, key at 8; a deletion with any more is refused. */
  readonly #keyAlone: Attributes;

  constructor(fd: number, name?: string) {
    const info = readInfo(fd);
    const perCpu = perCpuTypes.has(info.type);
    this.fd = fd;
    this.id = info.id;
    this.name = name ?? info.name;
    this.keySize = info.keySize;
    this.valueSize = perCpu ? round8(info.valueSize) : info.valueSize;
    this.maxEntries = info.maxEntries;
    this.#type = info.type;
    this.lookupSize = perCpu ? this.valueSize * countPossibleCpus() : info.valueSize;
    this.#key = Buffer.allocUnsafeSlow(Math.max(8, info.keySize));
    this.#value = valueBuffer(this.lookupSize);
    this.#element = new Attributes(32).u32(0, fd).pointer(8, this.#key).pointer(16, this.#value);
    this.#keyAlone = new Attributes(16).u32(0, fd).pointer(8, this.#key);
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#setKey(key);
    this.#element.u64(24, 0);
    const result = bpf(`look up in map ${this.name}`, command.mapLookup, this.#element, ["ENOENT"]);
    return result === "ENOENT" ? undefined : new Uint8Array(this.#value.subarray(0, this.lookupSize));
  }

  update(key: Uint8Array, value: Uint8Array, mode: UpdateMode = "any"): void {
    this.#setKey(key);
    this.#checkValue(value);
    this.#value.set(value);
    this.#element.u64(24, modes[mode]);
    bpf(`update map ${this.name}`, command.mapUpdate, this.#element);
  }

  delete(key: Uint8Array): boolean {
    this.#setKey(key);
    return bpf(`delete from map ${this.name}`, command.mapDelete, this.#keyAlone, ["ENOENT"]) !== "ENOENT";
  }

  *entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    if (readInBatches.has(this.#type)) {
      yield* readBatches(this);
      return;
    }
    const keys = [...this.#keys()];
    for (const key of keys) {
      const value = this.lookup(key);
      if (value !== undefined) {
        yield [key, value];
      }
    }
  }

  lookupRange(first: number, count: number): Uint8Array[] {
    if (this.#type !== types.array && this.#type !== types["percpu-array"]) {
      throw new TypeError(`map ${this.name} is no array`);
    }
    return count === 0 ? [] : readRange(this, first, count);
  }

  updateMany(entries: readonly (readonly [Uint8Array, Uint8Array])[]): void {
    if (entries.length < 2 || !writtenInBatches.has(this.#type)) {
      for (const [key, value] of entries) {
        this.update(key, value);
      }
      return;
    }
    for (const [key, value] of entries) {
      this.#checkKey(key);
      this.#checkValue(value);
    }
    updateBatch(this, entries);
  }

  deleteMany(keys: readonly Uint8Array[]): number {
    if (keys.length < 2 || !deletedInBatches.has(this.#type)) {
      return keys.filter((key) => this.delete(key)).length;
    }
    for (const key of keys) this.#checkKey(key);
    return deleteBatch(this, keys);
  }

  mmap(): ArrayBuffer {
    const page = pageSize();
    const length = round8(this.valueSize) * this.maxEntries;
    return mapMemory(this.fd, Math.ceil(length / page) * page, true);
  }

  pin(path: string): void {
    pinObject(this.fd, path, `map ${this.name}`);
  }

  close(): void {
    closeFile(this.fd);
  }

  #setKey(key: Uint8Array): void {
    this.#checkKey(key);
    this.#key.set(key);
  }

  #checkKey(key: Uint8Array): void {
    if (key.byteLength !== this.keySize) {
      throw new RangeError(`map ${this.name}: a key has ${this.keySize} bytes, not ${key.byteLength}`);
    }
  }

  #checkValue(value: Uint8Array): void {
    if (value.byteLength !== this.lookupSize) {
      throw new RangeError(`map ${this.name}: a value has ${this.lookupSize} bytes, not ${value.byteLength}`);
    }
  }

  *#keys(): Iterable<Uint8Array> {
    const key = Buffer.allocUnsafeSlow(this.#key.byteLength);
    const next = Buffer.allocUnsafeSlow(this.#key.byteLength);
    const first = new Attributes(32).u32(0, this.fd).pointer(16, next);
    const others = new Attributes(32).u32(0, this.fd).pointer(8, key).pointer(16, next);
    const step = (attributes: Attributes) => bpf(`walk map ${this.name}`, command.mapNextKey, attributes, ["ENOENT"]);
    for (let result = step(first); result !== "ENOENT"; result = step(others)) {
      yield new Uint8Array(next.subarray(0, this.keySize));
      key.set(next);
    }
  }
}

/** Makes a map without BTF. */
export function createKernelMap(spec: MapSpec): BpfMap {
  const flags = spec.flags ?? [];
  if (new TextEncoder().encode(spec.name).byteLength > 15) {
    throw new BpfError(`name a map ${spec.name}`, "ENAMETOOLONG");
  }
  const attributes = new Attributes(72)
    .u32(0, types[spec.type])
    .u32(4, spec.keySize)
    .u32(8, spec.valueSize)
    .u32(12, spec.maxEntries)
    .u32(
      16,
      flags.reduce((bits, flag) => bits | flagBits[flag], 0),
    )
    .u32(20, spec.innerMap?.fd ?? 0)
    .text(28, spec.name);
  return new KernelMap(bpf(`make map ${spec.name}`, command.mapCreate, attributes), spec.name);
}

/** Opens a map by its id. */
export function openMapById(id: number): BpfMap {
  return new KernelMap(bpf(`open map ${id}`, command.mapById, new Attributes(24).u32(0, id)));
}

/** Pins any BPF object. */
export function pinObject(fd: number, path: string, what: string): void {
  const text = Buffer.from(`${path}\0`);
  bpf(`pin ${what} at ${path}`, command.pin, new Attributes(24).pointer(0, text).u32(8, fd));
}

/** Descriptor of a pinned object. */
export function openPinned(path: string): number {
  const text = Buffer.from(`${path}\0`);
  return bpf(`open the pin ${path}`, command.get, new Attributes(24).pointer(0, text));
}
