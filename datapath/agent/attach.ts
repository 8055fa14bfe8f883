import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BpfError } from "../loader/error.ts";
import type { BpfLink } from "../loader/ports.ts";
import type { Datapath } from "./datapath.ts";

/** Hooks on the host-side veth: what leaves the pod enters there, and the other way round. */
const hooks = [
  { point: "ingress", program: "fromPod" },
  { point: "egress", program: "toPod" },
] as const;

function pinPath(datapath: Datapath, ifindex: number, point: string): string {
  return join(datapath.pins, "links", `${ifindex}-${point}`);
}

function attachOne(datapath: Datapath, ifindex: number, { point, program }: (typeof hooks)[number]): void {
  const path = pinPath(datapath, ifindex, point);
  if (existsSync(path)) {
    const link = datapath.bpf.openPinnedLink(path);
    try {
      link.update(datapath[program]);
      return;
    } catch (error) {
      // The interface is gone and its index came back: the pin is of a link to nothing.
      if (!(error instanceof BpfError && error.code === "ENOLINK")) {
        throw error;
      }
      rmSync(path);
    } finally {
      link.close();
    }
  }
  const link: BpfLink = datapath.bpf.attachTcx(datapath[program], ifindex, point);
  link.pin(path);
  link.close();
}

/** Attaches both programs to an interface, or exchanges those of a former agent without a gap. */
export function attachInterface(datapath: Datapath, ifindex: number): void {
  for (const hook of hooks) {
    attachOne(datapath, ifindex, hook);
  }
}

/** Detaches what is there. An interface that is gone has taken its attachments along. */
export function detachInterface(datapath: Datapath, ifindex: number): void {
  for (const { point } of hooks) {
    const path = pinPath(datapath, ifindex, point);
    if (!existsSync(path)) {
      continue;
    }
    const link = datapath.bpf.openPinnedLink(path);
    try {
      link.detach();
    } catch (error) {
      if (!(error instanceof BpfError && error.code === "ENOLINK")) {
        throw error;
      }
    } finally {
      link.close();
      rmSync(path);
    }
  }
}
