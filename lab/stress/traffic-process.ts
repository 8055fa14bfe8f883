import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

const traffic = fileURLToPath(new URL("./traffic.ts", import.meta.url));

/** A process with real connections, inside one machine's network namespace. */
export class TrafficProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** `netns` is the path of the namespace. */
  constructor(netns: string, args: readonly string[]) {
    this.#child = spawn("nsenter", [`--net=${netns}`, "--", process.execPath, traffic, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves once its connections are there. */
  async ready(): Promise<void> {
    const line = await this.#next();
    if (line !== "ready") throw new Error(`traffic said ${line} in place of ready`);
  }

  /** Ends its input and gives its last line. */
  async finish(): Promise<string> {
    this.#child.stdin.end();
    return this.#next();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the traffic ended early");
    return value;
  }
}
