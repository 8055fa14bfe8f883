import koffi from "koffi";

/** Address of something that libbpf owns. */
export type Pointer = bigint;

function openLibrary() {
  try {
    return koffi.load("libbpf.so.1");
  } catch (cause) {
    throw new Error("libbpf.so.1 is missing: install the Debian package libbpf1", { cause });
  }
}

function declareFunctions() {
  const library = openLibrary();
  const libc = koffi.load("libc.so.6");
  const declare = <F>(prototype: string) => library.func(prototype) as F;
  return {
    open: declare<(path: string, options: Pointer) => Pointer | null>(
      "void *bpf_object__open_file(const char *, void *)",
    ),
    load: declare<(object: Pointer) => number>("int bpf_object__load(void *)"),
    close: declare<(object: Pointer) => void>("void bpf_object__close(void *)"),
    btf: declare<(object: Pointer) => Pointer>("void *bpf_object__btf(void *)"),
    rawBtf: declare<(btf: Pointer, size: Uint32Array) => Pointer>("void *btf__raw_data(void *, _Out_ uint32_t *)"),
    nextMap: declare<(object: Pointer, map: Pointer | null) => Pointer | null>(
      "void *bpf_object__next_map(void *, void *)",
    ),
    mapName: declare<(map: Pointer) => string>("const char *bpf_map__name(void *)"),
    mapFd: declare<(map: Pointer) => number>("int bpf_map__fd(void *)"),
    setMaxEntries: declare<(map: Pointer, size: number) => number>("int bpf_map__set_max_entries(void *, uint32_t)"),
    initialValue: declare<(map: Pointer, size: BigUint64Array) => Pointer | null>(
      "void *bpf_map__initial_value(void *, _Out_ size_t *)",
    ),
    nextProgram: declare<(object: Pointer, program: Pointer | null) => Pointer | null>(
      "void *bpf_object__next_program(void *, void *)",
    ),
    programName: declare<(program: Pointer) => string>("const char *bpf_program__name(void *)"),
    programFd: declare<(program: Pointer) => number>("int bpf_program__fd(void *)"),
    setAutoload: declare<(program: Pointer, load: boolean) => number>("int bpf_program__set_autoload(void *, bool)"),
    makeTcHook: declare<(hook: Pointer) => number>("int bpf_tc_hook_create(void *)"),
    attachTc: declare<(hook: Pointer, options: Pointer) => number>("int bpf_tc_attach(void *, void *)"),
    detachTc: declare<(hook: Pointer, options: Pointer) => number>("int bpf_tc_detach(void *, void *)"),
    setPrint: declare<(print: unknown) => void>("void *libbpf_set_print(void *)"),
    format: libc.func("int vsnprintf(_Out_ uint8_t *, size_t, void *, void *)") as (
      into: Uint8Array,
      size: number,
      format: Pointer,
      parameters: Pointer,
    ) => number,
  };
}

/** libbpf, as far as it is used, and what it says. */
export interface Libbpf extends Omit<ReturnType<typeof declareFunctions>, "setPrint" | "format"> {
  /** What it said since the caller emptied this: warnings and information, a line each. */
  readonly messages: string[];
  /** Where the kernel writes a verifier's log, zero-terminated. */
  readonly verifierLog: Buffer;
}

let libbpf: Libbpf | undefined;

/** Loads libbpf at first use, so that a machine without it gets a message and not a crash at import. */
export function openLibbpf(): Libbpf {
  if (libbpf === undefined) {
    const { setPrint, format, ...functions } = declareFunctions();
    const messages: string[] = [];
    const line = Buffer.allocUnsafeSlow(4096);
    const debug = 2;
    const print = (level: number, pattern: Pointer, parameters: Pointer): number => {
      if (level < debug) {
        const length = Math.min(format(line, line.length, pattern, parameters), line.length - 1);
        messages.push(line.toString("utf8", 0, length).trimEnd());
      }
      return 0;
    };
    const prototype = koffi.proto("int sallyport_print(int level, void *pattern, void *parameters)");
    setPrint(koffi.register(print, koffi.pointer(prototype)));
    libbpf = { ...functions, messages, verifierLog: Buffer.allocUnsafeSlow(4 * 1024 * 1024) };
  }
  return libbpf;
}
