import { execFileSync } from "node:child_process";
import { check, declare } from "../libc.ts";

const unshare = declare<(flags: number) => number>("int unshare(int flags)");
const newMountNamespace = 0x00020000;
const newNetworkNamespace = 0x40000000;

/** An empty bpffs that only this process and its children see. */
export const sandboxBpffs = "/sys/fs/bpf";

/**
 * Moves this thread and what it starts into a network and a mount namespace of their own, with a fresh bpffs at
 * `sandboxBpffs`. All of it goes when the process does, however it ends. Call it on the main thread; each test file is
 * a process.
 */
export function enterSandbox(): void {
  check("make namespaces", unshare(newMountNamespace | newNetworkNamespace));
  execFileSync("mount", ["--make-rprivate", "/"]);
  execFileSync("mount", ["-t", "bpf", "sallyport-sandbox", sandboxBpffs]);
  ip("link set lo up");
}

/** Runs `ip` here; throws with what it said when it fails. Returns its output. */
export function ip(command: string): string {
  return execFileSync("ip", command.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Index of an interface of this namespace. */
export function interfaceIndex(name: string): number {
  const [link] = JSON.parse(ip(`-j link show dev ${name}`)) as { ifindex: number }[];
  if (link === undefined) {
    throw new Error(`no interface ${name}`);
  }
  return link.ifindex;
}
