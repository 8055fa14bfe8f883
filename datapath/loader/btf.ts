/** BPF Type Format, as far as layouts need it (Documentation/bpf/btf.rst). Little-endian objects only. */

const kinds = {
  int: 1,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  typedef: 8,
  funcProto: 13,
  variable: 14,
  dataSection: 15,
  declTag: 17,
  enum64: 19,
} as const;

/** One member of a struct or variable of a data section; `offset` in bytes. */
interface BtfMember {
  readonly name: string;
  readonly offset: number;
  /** Bytes; of a data section's variables only. */
  readonly size?: number;
}

/** The named types of an object. */
export interface Btf {
  readonly structs: ReadonlyMap<string, { readonly size: number; readonly members: readonly BtfMember[] }>;
  readonly enums: ReadonlyMap<string, readonly (readonly [name: string, value: number])[]>;
  /** Variables by section, such as `.rodata`. */
  readonly sections: ReadonlyMap<string, readonly BtfMember[]>;
}

/** Bytes that follow a type's three words, by kind and number of members. */
function extraBytes(kind: number, members: number): number {
  switch (kind) {
    case kinds.int:
    case kinds.variable:
    case kinds.declTag:
      return 4;
    case kinds.array:
      return 12;
    case kinds.struct:
    case kinds.union:
    case kinds.dataSection:
    case kinds.enum64:
      return 12 * members;
    case kinds.enum:
    case kinds.funcProto:
      return 8 * members;
    default:
      return 0;
  }
}

interface RawType {
  readonly kind: number;
  readonly name: string;
  readonly members: number;
  readonly hasBitFields: boolean;
  readonly sizeOrType: number;
  /** Offset of what follows the three words. */
  readonly extra: number;
}

/** Parses the content of a `.BTF` section. */
export function parseBtf(bytes: Uint8Array): Btf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (offset: number) => view.getUint32(offset, true);
  if (bytes.byteLength < 24 || view.getUint16(0, true) !== 0xeb9f) {
    throw new Error("no BTF: compile the object with -g");
  }
  const header = u32(4);
  const typesStart = header + u32(8);
  const typesEnd = typesStart + u32(12);
  const strings = header + u32(16);
  const text = (offset: number) => {
    const start = strings + offset;
    return Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString();
  };

  // Type ids count from 1; 0 is void.
  const types: (RawType | undefined)[] = [undefined];
  for (let at = typesStart; at < typesEnd; ) {
    const info = u32(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const members = info & 0xffff;
    types.push({
      kind,
      name: text(u32(at)),
      members,
      hasBitFields: info >>> 31 === 1,
      sizeOrType: u32(at + 8),
      extra: at + 12,
    });
    at += 12 + extraBytes(kind, members);
  }

  const structs = new Map<string, { size: number; members: BtfMember[] }>();
  const enums = new Map<string, (readonly [string, number])[]>();
  const sections = new Map<string, BtfMember[]>();
  for (const type of types) {
    if (type === undefined || type.name === "") {
      continue;
    }
    const at = (member: number, size: number) => type.extra + member * size;
    const each = Array.from({ length: type.members }, (_, member) => member);
    if (type.kind === kinds.struct) {
      const bits = (member: number) => u32(at(member, 12) + 8) & (type.hasBitFields ? 0xffffff : 0xffffffff);
      const members = each.map((m) => ({ name: text(u32(at(m, 12))), offset: bits(m) >>> 3 }));
      structs.set(type.name, { size: type.sizeOrType, members });
    } else if (type.kind === kinds.enum) {
      enums.set(
        type.name,
        each.map((m) => [text(u32(at(m, 8))), view.getInt32(at(m, 8) + 4, true)] as const),
      );
    } else if (type.kind === kinds.dataSection) {
      const members = each.map((m) => ({
        name: types[u32(at(m, 12))]?.name ?? "",
        offset: u32(at(m, 12) + 4),
        size: u32(at(m, 12) + 8),
      }));
      sections.set(type.name, members);
    }
  }
  return { structs, enums, sections };
}

/** The `.BTF` section of an ELF object. */
export function findBtfSection(elf: Uint8Array): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (elf.byteLength < 64 || view.getUint32(0, false) !== 0x7f454c46) {
    throw new Error("not an ELF object");
  }
  const table = Number(view.getBigUint64(40, true));
  const entrySize = view.getUint16(58, true);
  const count = view.getUint16(60, true);
  const section = (index: number) => {
    const at = table + index * entrySize;
    return {
      name: view.getUint32(at, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
    };
  };
  const names = section(view.getUint16(62, true)).offset;
  for (let index = 0; index < count; index++) {
    const { name, offset, size } = section(index);
    const start = names + name;
    if (Buffer.from(elf.subarray(start, elf.indexOf(0, start))).toString() === ".BTF") {
      return elf.subarray(offset, offset + size);
    }
  }
  throw new Error("no .BTF section: compile the object with -g");
}
