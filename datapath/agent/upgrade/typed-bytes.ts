import type { Btf } from "../../loader/btf.ts";
import { littleEndian } from "../bytes.ts";

/** Fields of a struct by name, at the offsets that another object's type information gives them. */
export class TypedBytes {
  readonly #offsets: ReadonlyMap<string, number>;
  readonly #view: DataView;

  constructor(offsets: ReadonlyMap<string, number>, bytes: Uint8Array) {
    this.#offsets = offsets;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#at(field));
  }

  u16(field: string, index = 0): number {
    return this.#view.getUint16(this.#at(field) + index * 2, littleEndian);
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#at(field), littleEndian);
  }

  u64(field: string, index = 0): bigint {
    return this.#view.getBigUint64(this.#at(field) + index * 8, littleEndian);
  }

  bytes(field: string, length: number, index = 0): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at(field) + index * length, length);
  }

  #at(field: string): number {
    const offset = this.#offsets.get(field);
    if (offset === undefined) throw new Error(`the former maps have no field ${field}: remove them by hand`);
    return offset;
  }
}

function structOf(types: Btf, name: string) {
  const struct = types.structs.get(name);
  if (struct === undefined) throw new Error(`the former maps have no struct ${name}: remove them by hand`);
  return struct;
}

/** Where the fields of a struct are. */
export function fieldOffsets(types: Btf, struct: string): ReadonlyMap<string, number> {
  return new Map(structOf(types, struct).members.map(({ name, offset }) => [name, offset]));
}

/** Bytes of a struct. */
export function structSize(types: Btf, struct: string): number {
  return structOf(types, struct).size;
}
