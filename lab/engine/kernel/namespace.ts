import { writeFileSync } from "node:fs";
import { check, closeFile, declare, openFile } from "../../../datapath/loader/libc.ts";

const newNetwork = 0x40000000;
const unshare = declare<(flags: number) => number>("int unshare(int flags)");
const interfaceIndex = declare<(name: string) => number>("unsigned int if_nametoindex(const char *name)");
const setns = declare<(fd: number, type: number) => number>("int setns(int fd, int type)");

/** The calling thread's namespace; other threads stay where they are. */
const current = "/proc/thread-self/ns/net";
const home = openFile(current);

function goHome(): void {
  check("go back to the network namespace that this process began in", setns(home, newNetwork));
}

/**
 * A network namespace that lives as long as this object, its sockets and the processes in it, and so no longer than
 * this process: it has no name that a crash could leave behind.
 */
export class NetworkNamespace {
  readonly fd: number;

  constructor() {
    check("make a network namespace", unshare(newNetwork));
    try {
      this.fd = openFile(current);
    } finally {
      goHome();
    }
  }

  /** Where other processes find it, while this one runs. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /** Runs `work` inside. It must not wait: whatever ran meanwhile would be inside too. */
  inside<T>(work: () => T): T {
    check(`enter the network namespace ${this.path}`, setns(this.fd, newNetwork));
    try {
      return work();
    } finally {
      goHome();
    }
  }

  /** Sets kernel parameters, by their path under `/proc/sys/net`. */
  configure(parameters: Readonly<Record<string, number>>): void {
    this.inside(() => {
      for (const [name, value] of Object.entries(parameters)) writeFileSync(`/proc/sys/net/${name}`, String(value));
    });
  }

  /** Index of an interface in it. */
  interfaceIndex(name: string): number {
    const index = this.inside(() => interfaceIndex(name));
    if (index === 0) throw new Error(`no interface ${name} in the network namespace ${this.path}`);
    return index;
  }

  close(): void {
    closeFile(this.fd);
  }
}
