import { type Btf, parseBtf } from "./btf.ts";
import { closeFile } from "./libc.ts";
import type { BpfMap } from "./ports.ts";
import { Attributes, bpf, command } from "./syscall.ts";

/** Offset of `btf_id` in struct bpf_map_info. */
const mapBtfId = 64;

function info(what: string, fd: number, size: number, prepared = new Attributes(size)): Attributes {
  bpf(what, command.infoByFd, new Attributes(16).u32(0, fd).u32(4, size).pointer(8, prepared.bytes));
  return prepared;
}

/** The type information that a map was made with, by whichever object: what its keys and values look like. */
export function readMapTypes(map: BpfMap): Btf {
  const what = `read the types of map ${map.name}`;
  const id = info(what, map.fd, 88).read(mapBtfId);
  const fd = bpf(what, command.btfById, new Attributes(16).u32(0, id));
  try {
    // struct bpf_btf_info: where to, how long, and how much there is.
    const size = info(what, fd, 16).read(8);
    const bytes = Buffer.alloc(size);
    info(what, fd, 16, new Attributes(16).pointer(0, bytes).u32(8, size));
    return parseBtf(bytes);
  } finally {
    closeFile(fd);
  }
}
