import { BpfError } from "./error.ts";
import { addressOf, bpfSystemCall, lastError } from "./libc.ts";

/** Commands of `bpf(2)` (include/uapi/linux/bpf.h). */
export const command = {
  mapCreate: 0,
  mapLookup: 1,
  mapUpdate: 2,
  mapDelete: 3,
  mapNextKey: 4,
  pin: 6,
  get: 7,
  testRun: 10,
  mapById: 14,
  infoByFd: 15,
  btfById: 19,
  lookupBatch: 24,
  updateBatch: 26,
  deleteBatch: 27,
  linkCreate: 28,
  linkUpdate: 29,
  iterCreate: 33,
  linkDetach: 34,
} as const;

/** `union bpf_attr` in the making; fields are set by their byte offset. */
export class Attributes {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** What the attributes point to, so that it lives as long as they do. */
  readonly #referenced: ArrayBufferView[] = [];

  constructor(size = 144) {
    this.bytes = new Uint8Array(new ArrayBuffer(size));
    this.#view = new DataView(this.bytes.buffer);
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value >>> 0, true);
    return this;
  }

  u64(offset: number, value: bigint | number): this {
    this.#view.setBigUint64(offset, BigInt(value), true);
    return this;
  }

  /** Sets a pointer to a buffer's memory. */
  pointer(offset: number, buffer: ArrayBufferView): this {
    this.#referenced.push(buffer);
    return this.u64(offset, addressOf(buffer));
  }

  text(offset: number, value: string): this {
    this.bytes.set(new TextEncoder().encode(value), offset);
    return this;
  }

  readU64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  read(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

/** Calls `bpf(2)`; a failure throws, but for the codes in `expected`, which are returned. */
export function bpf(operation: string, number: number, attributes: Attributes): number;
export function bpf<E extends string>(
  operation: string,
  number: number,
  attributes: Attributes,
  expected: readonly E[],
): number | E;
export function bpf<E extends string>(
  operation: string,
  number: number,
  attributes: Attributes,
  expected: readonly E[] = [],
): number | E {
  const result = bpfSystemCall(number, attributes.bytes);
  if (result >= 0) {
    return result;
  }
  const code = lastError();
  const wanted = expected.find((one) => one === code);
  if (wanted !== undefined) {
    return wanted;
  }
  throw new BpfError(operation, code);
}
