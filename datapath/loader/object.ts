import koffi from "koffi";
import { parseBtf } from "./btf.ts";
import { addressOf, BpfError, errorName } from "./libc.ts";
import { KernelMap } from "./map.ts";
import type { BpfMap, BpfProgram, LoadedObject, LoadOptions } from "./ports.ts";
import { KernelProgram } from "./program.ts";

type Pointer = bigint;

function loadLibrary() {
  try {
    return koffi.load("libbpf.so.1");
  } catch (cause) {
    throw new Error("libbpf.so.1 is missing: install the Debian package libbpf1", { cause });
  }
}

function declareFunctions() {
  const library = loadLibrary();
  const libc = koffi.load("libc.so.6");
  const declare = <F>(prototype: string) => library.func(prototype) as F;
  return {
    open: declare<(path: string, options: Pointer) => Pointer>("void *bpf_object__open_file(const char *, void *)"),
    load: declare<(object: Pointer) => number>("int bpf_object__load(void *)"),
    close: declare<(object: Pointer) => void>("void bpf_object__close(void *)"),
    btf: declare<(object: Pointer) => Pointer>("void *bpf_object__btf(void *)"),
    rawBtf: declare<(btf: Pointer, size: Uint32Array) => Pointer>("void *btf__raw_data(void *, _Out_ uint32_t *)"),
    nextMap: declare<(object: Pointer, map: Pointer | null) => Pointer | null>(
      "void *bpf_object__next_map(void *, void *)",
    ),
    mapName: declare<(map: Pointer) => string>("const char *bpf_map__name(void *)"),
    mapFd: declare<(map: Pointer) => number>("int bpf_map__fd(void *)"),
    mapFlags: declare<(map: Pointer) => number>("uint32_t bpf_map__map_flags(void *)"),
    setMapFlags: declare<(map: Pointer, flags: number) => number>("int bpf_map__set_map_flags(void *, uint32_t)"),
    setMaxEntries: declare<(map: Pointer, size: number) => number>("int bpf_map__set_max_entries(void *, uint32_t)"),
    reuseFd: declare<(map: Pointer, fd: number) => number>("int bpf_map__reuse_fd(void *, int)"),
    initialValue: declare<(map: Pointer, size: BigUint64Array) => Pointer | null>(
      "void *bpf_map__initial_value(void *, _Out_ size_t *)",
    ),
    nextProgram: declare<(object: Pointer, program: Pointer | null) => Pointer | null>(
      "void *bpf_object__next_program(void *, void *)",
    ),
    programName: declare<(program: Pointer) => string>("const char *bpf_program__name(void *)"),
    programFd: declare<(program: Pointer) => number>("int bpf_program__fd(void *)"),
    setPrint: declare<(print: unknown) => void>("void *libbpf_set_print(void *)"),
    format: libc.func("int vsnprintf(_Out_ uint8_t *, size_t, void *, void *)") as (
      into: Uint8Array,
      size: number,
      format: Pointer,
      parameters: Pointer,
    ) => number,
  };
}

type Functions = ReturnType<typeof declareFunctions>;

let functions: Functions | undefined;
/** What libbpf said since the last call began. */
const messages: string[] = [];
const verifierLog = Buffer.allocUnsafeSlow(4 * 1024 * 1024);

/** Loads libbpf at first use, so that a machine without it gets a message and not a crash at import. */
function libbpf(): Functions {
  if (functions === undefined) {
    functions = declareFunctions();
    const { format } = functions;
    const line = Buffer.allocUnsafeSlow(4096);
    const print = (level: number, pattern: Pointer, parameters: Pointer): number => {
      const debug = 2;
      if (level < debug) {
        const length = Math.min(format(line, line.length, pattern, parameters), line.length - 1);
        messages.push(line.toString("utf8", 0, length).trimEnd());
      }
      return 0;
    };
    const prototype = koffi.proto("int sallyport_print(int level, void *pattern, void *parameters)");
    functions.setPrint(koffi.register(print, koffi.pointer(prototype)));
  }
  return functions;
}

/** `struct bpf_object_open_opts` of libbpf 1.0 and later; returns what must stay referenced. */
function openOptions(pinRoot: string): { bytes: Uint8Array; keep: Uint8Array } {
  const size = 72;
  const bytes = Buffer.alloc(size);
  const path = Buffer.from(`${pinRoot}\0`);
  bytes.writeBigUInt64LE(BigInt(size), 0);
  bytes.writeBigUInt64LE(BigInt(addressOf(path)), 24);
  bytes.writeBigUInt64LE(BigInt(addressOf(verifierLog)), 48);
  bytes.writeBigUInt64LE(BigInt(verifierLog.length), 56);
  return { bytes, keep: path };
}

function failure(operation: string, code: string): BpfError {
  const end = verifierLog.indexOf(0);
  const log = verifierLog.toString("utf8", 0, Math.max(0, end));
  return new BpfError(operation, code, [...messages, log].filter((text) => text !== "").join("\n"));
}

function* each(next: (previous: Pointer | null) => Pointer | null): Iterable<Pointer> {
  for (let item = next(null); item !== null && BigInt(item) !== 0n; item = next(item)) {
    yield item;
  }
}

function setConstants(lib: Functions, object: Pointer, rodata: Pointer, constants: LoadOptions["constants"]): void {
  const size = new Uint32Array(1);
  const raw = lib.rawBtf(lib.btf(object), size);
  const btf = parseBtf(new Uint8Array(koffi.view(raw, size[0] ?? 0)));
  const variables = btf.sections.get(".rodata") ?? [];
  const valueSize = new BigUint64Array(1);
  const value = lib.initialValue(rodata, valueSize);
  if (value === null) {
    throw new BpfError("set constants", "EINVAL");
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

const noPreallocFlag = 1;

function configure(lib: Functions, object: Pointer, options: LoadOptions): void {
  const unknown = new Set([...Object.keys(options.mapSizes), ...Object.keys(options.reuse ?? {})]);
  for (const map of each((previous) => lib.nextMap(object, previous))) {
    const name = lib.mapName(map);
    unknown.delete(name);
    if (name.endsWith(".rodata")) {
      setConstants(lib, object, map, options.constants);
    }
    const size = options.mapSizes[name];
    if (size !== undefined) {
      lib.setMaxEntries(map, size);
    }
    if (options.noPrealloc?.includes(name)) {
      lib.setMapFlags(map, lib.mapFlags(map) | noPreallocFlag);
    }
    const reuse = options.reuse?.[name];
    if (reuse !== undefined && lib.reuseFd(map, reuse.fd) !== 0) {
      throw failure(`use the existing map ${name}`, "EINVAL");
    }
  }
  if (unknown.size > 0) {
    throw new BpfError(`${options.object} has no map ${[...unknown].join(", ")}`, "ENOENT");
  }
}

/** Opens, configures and loads an object through libbpf. */
export function loadObject(options: LoadOptions): LoadedObject {
  const lib = libbpf();
  messages.length = 0;
  verifierLog[0] = 0;
  const { bytes, keep } = openOptions(options.pinRoot);
  const object = lib.open(options.object, addressOf(bytes));
  if (object === null || BigInt(object) === 0n || keep.byteLength === 0) {
    throw failure(`open ${options.object}`, errorName(koffi.errno()));
  }
  try {
    configure(lib, object, options);
    const result = lib.load(object);
    if (result !== 0) {
      throw failure(`load ${options.object}`, errorName(-result));
    }
    const maps = new Map<string, BpfMap>();
    for (const map of each((previous) => lib.nextMap(object, previous))) {
      const name = lib.mapName(map);
      maps.set(name, new KernelMap(lib.mapFd(map), name));
    }
    const programs = new Map<string, BpfProgram>();
    for (const program of each((previous) => lib.nextProgram(object, previous))) {
      const name = lib.programName(program);
      programs.set(name, new KernelProgram(lib.programFd(program), name));
    }
    return { maps, programs, close: () => lib.close(object) };
  } catch (error) {
    lib.close(object);
    throw error;
  }
}
