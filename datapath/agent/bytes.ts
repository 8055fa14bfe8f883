import { structs } from "./abi.generated.ts";

type Structs = typeof structs;

/** Name of a struct of datapath/bpf/abi.h. */
export type StructName = keyof Structs;

/** Name of a field of one. */
export type FieldName<S extends StructName> = keyof Structs[S]["fields"];

/** Bytes of one `struct S`. */
function sizeOf(struct: StructName): number {
  return structs[struct].size;
}

/** Offset of a field in `struct S`, in bytes. */
function offsetOf<S extends StructName>(struct: S, field: FieldName<S>): number {
  return (structs[struct].fields as Record<PropertyKey, number>)[field] as number;
}

/** The machine's byte order is the kernel's; both platforms that Sallyport runs on are little-endian. */
export const littleEndian = true;

/** A view over one struct in memory, possibly shared with the kernel. */
export class StructView<S extends StructName> {
  readonly #struct: S;
  readonly #view: DataView;

  constructor(struct: S, buffer: ArrayBufferLike, offset = 0) {
    this.#struct = struct;
    this.#view = new DataView(buffer, offset, sizeOf(struct));
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset, this.#view.byteLength);
  }

  #at(field: FieldName<S>, index: number, size: number): number {
    return offsetOf(this.#struct, field) + index * size;
  }

  u16(field: FieldName<S>, index = 0): number {
    return this.#view.getUint16(this.#at(field, index, 2), littleEndian);
  }

  u32(field: FieldName<S>, index = 0): number {
    return this.#view.getUint32(this.#at(field, index, 4), littleEndian);
  }

  u64(field: FieldName<S>, index = 0): bigint {
    return this.#view.getBigUint64(this.#at(field, index, 8), littleEndian);
  }

  setU16(field: FieldName<S>, value: number, index = 0): void {
    this.#view.setUint16(this.#at(field, index, 2), value, littleEndian);
  }

  setU32(field: FieldName<S>, value: number, index = 0): void {
    this.#view.setUint32(this.#at(field, index, 4), value, littleEndian);
  }

  setU64(field: FieldName<S>, value: bigint, index = 0): void {
    this.#view.setBigUint64(this.#at(field, index, 8), value, littleEndian);
  }

  /** `size` bytes at a field, as a window on the same memory. */
  window(field: FieldName<S>, size: number, index = 0): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at(field, index, size), size);
  }
}

/** A fresh zeroed struct. */
export function makeStruct<S extends StructName>(struct: S): StructView<S> {
  return new StructView(struct, new ArrayBuffer(sizeOf(struct)));
}

/** A 4-byte map key. */
export function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, littleEndian);
  return bytes;
}

/** Sum of the 8-byte counters at `offset` of each CPU's value. */
export function sumCpus(values: Uint8Array, valueSize: number, offset: number): number {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let sum = 0n;
  for (let at = offset; at < values.byteLength; at += valueSize) {
    sum += view.getBigUint64(at, littleEndian);
  }
  return Number(sum);
}
