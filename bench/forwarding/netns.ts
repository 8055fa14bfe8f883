import { openSync } from "node:fs";
import { check, declare, enterNetworkNamespace } from "../../datapath/loader/libc.ts";
import { ip } from "../../datapath/loader/test/sandbox.ts";

const unshare = declare<(flags: number) => number>("int unshare(int flags)");
const newNetworkNamespace = 0x40000000;

function holdCurrent(): string {
  return `/proc/${process.pid}/fd/${openSync("/proc/thread-self/ns/net", "r")}`;
}

/** Where this thread is now; undefined before the first namespace is made. */
let current: string | undefined;

function enter(path: string): void {
  enterNetworkNamespace(path);
  current = path;
}

/** A network namespace without a name, which lasts as long as this process. */
export class Netns {
  /** For `setns` and `ip link set … netns`. */
  readonly path: string;

  /** Leaves this thread where it was. */
  constructor() {
    const before = current ?? holdCurrent();
    check("make a network namespace", unshare(newNetworkNamespace));
    this.path = holdCurrent();
    ip("link set lo up");
    enter(before);
  }

  /** Runs `body`, and whatever it starts, in this namespace; nothing else of this process may run meanwhile. */
  async run<T>(body: () => T | Promise<T>): Promise<T> {
    const before = current ?? holdCurrent();
    enter(this.path);
    try {
      return await body();
    } finally {
      enter(before);
    }
  }
}
