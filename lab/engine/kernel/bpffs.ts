import { check, closeFile, declare } from "../../../datapath/loader/libc.ts";

/** These three have the same numbers on every architecture (include/uapi/asm-generic/unistd.h). */
const systemCalls = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const;
const closeOnExec = 1;
/** FSCONFIG_CMD_CREATE. */
const create = 6;

const fsopen = declare<(number: number, type: string, flags: number) => number | bigint>(
  "long syscall(long number, const char *type, unsigned int flags)",
);
const fsconfig = declare<
  (number: number, fd: number, command: number, key: null, value: null, aux: number) => number | bigint
>("long syscall(long number, int fd, unsigned int command, void *key, void *value, int aux)");
const fsmount = declare<(number: number, fd: number, flags: number, attributes: number) => number | bigint>(
  "long syscall(long number, int fd, unsigned int flags, unsigned int attributes)",
);

/**
 * A BPF file system that is mounted nowhere and reached through its descriptor alone. It and all pins in it are gone
 * with this process, however that ends.
 */
export class BpfFileSystem {
  readonly #fd: number;

  constructor() {
    const context = check("open a BPF file system", fsopen(systemCalls.fsopen, "bpf", closeOnExec));
    try {
      check("make a BPF file system", fsconfig(systemCalls.fsconfig, context, create, null, null, 0));
      this.#fd = check("mount a BPF file system", fsmount(systemCalls.fsmount, context, closeOnExec, 0));
    } finally {
      closeFile(context);
    }
  }

  /** Where other processes find it, while this one runs. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#fd}`;
  }

  close(): void {
    closeFile(this.#fd);
  }
}
