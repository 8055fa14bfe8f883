import koffi from "koffi";
import { parseBtf } from "./btf.ts";
import { BpfError } from "./error.ts";
import { type Libbpf, openLibbpf, type Pointer } from "./libbpf.ts";
import { addressOf, errorName, lastError } from "./libc.ts";
import { KernelMap } from "./map.ts";
import type { BpfMap, BpfProgram, LoadedObject, LoadOptions } from "./ports.ts";
import { KernelProgram } from "./program.ts";
import { Attributes } from "./syscall.ts";

/** Opens, configures and loads an object through libbpf. */
export function loadObject(options: LoadOptions): LoadedObject {
  const lib = openLibbpf();
  lib.messages.length = 0;
  lib.verifierLog[0] = 0;
  const object = openObject(lib, options);
  try {
    configure(lib, object, options);
    choosePrograms(lib, object, options.programs);
    requireSuccess(lib, `load ${options.object}`, lib.load(object));
    const maps = new Map<string, BpfMap>();
    for (const map of each((previous) => lib.nextMap(object, previous))) {
      const name = lib.mapName(map);
      maps.set(name, new KernelMap(lib.mapFd(map), name));
    }
    const programs = new Map<string, BpfProgram>();
    for (const program of each((previous) => lib.nextProgram(object, previous))) {
      const name = lib.programName(program);
      if (options.programs?.(name) === false) continue;
      programs.set(name, new KernelProgram(lib.programFd(program), name));
    }
    return { maps, programs, close: () => lib.close(object) };
  } catch (error) {
    lib.close(object);
    throw error;
  }
}

/**
 * `struct bpf_object_open_opts` of libbpf 1.1 and later. A later libbpf takes a shorter struct, and fields that it
 * added since as zero; an older one takes a longer one whose unknown bytes are zero.
 */
const openOptions = { size: 80, pinRootPath: 24, kernelLogBuffer: 56, kernelLogSize: 64 } as const;

function openObject(lib: Libbpf, { object: path, pinRoot }: LoadOptions): Pointer {
  const options = new Attributes(openOptions.size)
    .u64(0, openOptions.size)
    .pointer(openOptions.pinRootPath, Buffer.from(`${pinRoot}\0`))
    .pointer(openOptions.kernelLogBuffer, lib.verifierLog)
    .u64(openOptions.kernelLogSize, lib.verifierLog.length);
  const object = lib.open(path, addressOf(options.bytes));
  if (object === null || BigInt(object) === 0n) {
    throw failure(lib, `open ${path}`, lastError());
  }
  return object;
}

function failure(lib: Libbpf, operation: string, code: string): BpfError {
  const log = lib.verifierLog.toString("utf8", 0, Math.max(0, lib.verifierLog.indexOf(0)));
  return new BpfError(operation, code, [...lib.messages, log].filter((text) => text !== "").join("\n"));
}

/** libbpf returns a negative errno. */
function requireSuccess(lib: Libbpf, operation: string, result: number): void {
  if (result !== 0) {
    throw failure(lib, operation, errorName(-result));
  }
}

function* each(next: (previous: Pointer | null) => Pointer | null): Iterable<Pointer> {
  for (let item = next(null); item !== null && BigInt(item) !== 0n; item = next(item)) {
    yield item;
  }
}

function choosePrograms(lib: Libbpf, object: Pointer, wanted: LoadOptions["programs"] = () => true): void {
  for (const program of each((previous) => lib.nextProgram(object, previous))) {
    const name = lib.programName(program);
    if (!wanted(name)) requireSuccess(lib, `leave program ${name} out`, lib.setAutoload(program, false));
  }
}

function configure(lib: Libbpf, object: Pointer, options: LoadOptions): void {
  const unknown = new Set(Object.keys(options.mapSizes));
  let constants = options.constants;
  for (const map of each((previous) => lib.nextMap(object, previous))) {
    const name = lib.mapName(map);
    unknown.delete(name);
    if (name.endsWith(".rodata")) {
      setConstants(lib, object, map, constants);
      constants = {};
    }
    const size = options.mapSizes[name];
    if (size !== undefined) {
      requireSuccess(lib, `size map ${name} for ${size} entries`, lib.setMaxEntries(map, size));
    }
  }
  if (unknown.size > 0) {
    throw new BpfError(`configure ${options.object}: it has no map ${[...unknown].join(", ")}`, "ENOENT");
  }
  const unset = Object.keys(constants);
  if (unset.length > 0) {
    throw new BpfError(`configure ${options.object}: it has no .rodata for ${unset.join(", ")}`, "ENOENT");
  }
}

function setConstants(lib: Libbpf, object: Pointer, rodata: Pointer, constants: LoadOptions["constants"]): void {
  const size = new Uint32Array(1);
  const raw = lib.rawBtf(lib.btf(object), size);
  const variables = parseBtf(new Uint8Array(koffi.view(raw, size[0] ?? 0))).sections.get(".rodata") ?? [];
  const valueSize = new BigUint64Array(1);
  const value = lib.initialValue(rodata, valueSize);
  if (value === null) {
    throw failure(lib, "find the initial value of .rodata", lastError());
  }
  const memory = Buffer.from(koffi.view(value, Number(valueSize[0])));
  for (const [name, number] of Object.entries(constants)) {
    const variable = variables.find((candidate) => candidate.name === name);
    if (variable?.size === undefined) {
      throw new BpfError(`set constant ${name}: the object has no such variable in .rodata`, "ENOENT");
    }
    if (variable.size === 8) {
      memory.writeBigUInt64LE(BigInt(number), variable.offset);
    } else {
      memory.writeUIntLE(Number(number), variable.offset, variable.size);
    }
  }
}
