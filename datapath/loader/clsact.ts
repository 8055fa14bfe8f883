import { BpfError } from "./error.ts";
import { openLibbpf } from "./libbpf.ts";
import { addressOf, errorName } from "./libc.ts";
import type { BpfProgram, Hook } from "./ports.ts";
import { Attributes } from "./syscall.ts";

/** `struct bpf_tc_hook` and `struct bpf_tc_opts` of libbpf.h. */
const hookLayout = { size: 24, ifindex: 8, point: 12 } as const;
const optionsLayout = { size: 32, program: 8, flags: 12, handle: 20, priority: 24 } as const;
/** `BPF_TC_INGRESS`, `BPF_TC_EGRESS`. */
const points = { ingress: 1, egress: 2 } as const;
/** `BPF_TC_F_REPLACE`: the filter of this handle and priority gets another program, and no packet sees neither. */
const replace = 1;

/** First of all; among filters of one priority the kernel asks the one that came last first. */
const priority = 1;
/** Ours among the filters of that priority: "SG". By it the filter is found again after a restart. */
const handle = 0x5347;

function hookOf({ ifindex, point }: Hook): Attributes {
  return new Attributes(hookLayout.size)
    .u64(0, hookLayout.size)
    .u32(hookLayout.ifindex, ifindex)
    .u32(hookLayout.point, points[point]);
}

function filter(): Attributes {
  return new Attributes(optionsLayout.size)
    .u64(0, optionsLayout.size)
    .u32(optionsLayout.handle, handle)
    .u32(optionsLayout.priority, priority);
}

/**
 * Attaches a program as a direct-action filter of clsact, the way of kernels before 6.6. Where ours is there already
 * it is exchanged in one step.
 */
export function attachClsact(program: BpfProgram, hook: Hook): void {
  const lib = openLibbpf();
  lib.messages.length = 0;
  const where = hookOf(hook);
  const operation = `attach ${program.name} at clsact ${hook.point} of interface ${hook.ifindex}`;
  const made = lib.makeTcHook(addressOf(where.bytes));
  // Others use the same qdisc: it is nobody's own, and never removed.
  if (made !== 0 && errorName(-made) !== "EEXIST") throw new BpfError(operation, errorName(-made));
  const options = filter().u32(optionsLayout.program, program.fd).u32(optionsLayout.flags, replace);
  const result = lib.attachTc(addressOf(where.bytes), addressOf(options.bytes));
  if (result !== 0) throw new BpfError(operation, errorName(-result));
}

/** No filter, no qdisc, no interface. */
const gone: ReadonlySet<string> = new Set(["ENOENT", "EINVAL", "ENODEV"]);

/** Removes our filter, and nobody else's; the qdisc stays. */
export function detachClsact(hook: Hook): void {
  const lib = openLibbpf();
  lib.messages.length = 0;
  const result = lib.detachTc(addressOf(hookOf(hook).bytes), addressOf(filter().bytes));
  if (result !== 0 && !gone.has(errorName(-result)))
    throw new BpfError(`detach from clsact ${hook.point} of interface ${hook.ifindex}`, errorName(-result));
}
