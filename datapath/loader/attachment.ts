import { existsSync, rmSync } from "node:fs";
import { attachClsact, detachClsact } from "./clsact.ts";
import { BpfError } from "./error.ts";
import { attachTcx, KernelLink } from "./link.ts";
import { openPinned } from "./map.ts";
import type { Bpf, BpfProgram, Hook } from "./ports.ts";

/** How programs come to an interface: tcx from kernel 6.6 on, clsact before. */
export type Mechanism = "tcx" | "clsact";

const isCode = (error: unknown, code: string): boolean => error instanceof BpfError && error.code === code;

/** Whether the pinned link's program was exchanged. A pin whose interface is gone is removed. */
function exchangePinned(program: BpfProgram, pin: string): boolean {
  const link = new KernelLink(openPinned(pin));
  try {
    link.update(program);
    return true;
  } catch (error) {
    // The interface is gone and its index came back: the pin is of a link to nothing.
    if (!isCode(error, "ENOLINK")) throw error;
    rmSync(pin);
    return false;
  } finally {
    link.close();
  }
}

function attachPinned(program: BpfProgram, { ifindex, point }: Hook, pin: string): void {
  if (existsSync(pin) && exchangePinned(program, pin)) return;
  const link = attachTcx(program, ifindex, point);
  try {
    link.pin(pin);
  } finally {
    link.close();
  }
}

function detachPinned(pin: string): void {
  const link = new KernelLink(openPinned(pin));
  try {
    link.detach();
  } catch (error) {
    if (!isCode(error, "ENOLINK")) throw error;
  } finally {
    link.close();
    rmSync(pin);
  }
}

/** Attaches by the best mechanism that the kernel has, found out at the first attachment; or by a given one. */
export function attachments(given?: Mechanism): Pick<Bpf, "attach" | "detach"> {
  let mechanism = given;
  return {
    attach(program, hook, pin) {
      if (mechanism !== "clsact") {
        try {
          attachPinned(program, hook, pin);
          mechanism = "tcx";
          return;
        } catch (error) {
          // What a kernel says that does not know the attach type.
          if (mechanism === "tcx" || !isCode(error, "EINVAL")) throw error;
        }
      }
      attachClsact(program, hook);
      mechanism = "clsact";
    },
    detach(hook, pin) {
      if (existsSync(pin)) detachPinned(pin);
      else if (mechanism !== "tcx") detachClsact(hook);
    },
  };
}
