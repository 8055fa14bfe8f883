import { attachments, type Mechanism } from "./attachment.ts";
import { closeFile, gracePeriod, measureHz, readFile, waitForGracePeriod } from "./libc.ts";
import { attachTcx, KernelLink, openMapIterator } from "./link.ts";
import { countPossibleCpus, createKernelMap, KernelMap, openMapById, openPinned } from "./map.ts";
import { loadObject } from "./object.ts";
import type { Bpf, BpfMap, BpfProgram } from "./ports.ts";
import { openRing } from "./ring.ts";
import { readMapTypes } from "./types.ts";

function* iterate(program: BpfProgram, map: BpfMap, bytes: number): Iterable<Uint8Array> {
  const fd = openMapIterator(program, map);
  const buffer = new Uint8Array(bytes);
  try {
    for (;;) {
      const length = readFile(fd, buffer);
      if (length === 0) {
        return;
      }
      if (length !== undefined) {
        yield buffer.slice(0, length);
      }
    }
  } finally {
    closeFile(fd);
  }
}

/** The kernel's BPF, through libbpf and `bpf(2)`. Errors are `BpfError`. `mechanism`: default, the kernel's best. */
export function openBpf(mechanism?: Mechanism): Bpf {
  return {
    hz: measureHz(),
    possibleCpus: countPossibleCpus(),
    load: loadObject,
    createMap: createKernelMap,
    openMap: openMapById,
    openPinnedMap: (path) => new KernelMap(openPinned(path)),
    openPinnedLink: (path) => new KernelLink(openPinned(path)),
    typesOf: readMapTypes,
    attachTcx,
    ...attachments(mechanism),
    readRing: openRing,
    waitForGracePeriod,
    gracePeriod,
    iterate,
  };
}
