import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually } from "./world.ts";

/** One entry of the operator's log. */
export interface LogEntry {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const main = fileURLToPath(new URL("../../operator/main.ts", import.meta.url));

/** The operator as a program, in a process of its own. */
export class OperatorProgram {
  readonly #child: ChildProcess;
  readonly #log: LogEntry[] = [];
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, "close");
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface({ input: stream }).on("line", (line) => this.#log.push(entryOf(line)));
  }

  /** Starts it and waits until it is ready. */
  static async start(kubeconfig: string, flags: readonly string[] = []): Promise<OperatorProgram> {
    const program = OperatorProgram.begin(kubeconfig, flags);
    await program.ready();
    return program;
  }

  /** Starts it, with these variables over the test's own. */
  static begin(
    kubeconfig: string,
    flags: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): OperatorProgram {
    const args = [main, `--kubeconfig=${kubeconfig}`, "--listen=127.0.0.1:0", ...flags];
    // It dies with the test, however that ends.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", process.execPath, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    return new OperatorProgram(child);
  }

  /** Until it is ready; one that does not become so is killed. */
  async ready(): Promise<void> {
    try {
      await eventually(async () => {
        if (this.exitCode !== null) throw new Error("the operator has ended");
        const { status } = await this.fetch("/readyz");
        if (status !== 200) throw new Error(`not ready: ${status}`);
      });
    } catch (error) {
      await this.kill();
      throw new Error(`the operator did not become ready:\n${this.#tail()}`, { cause: error });
    }
  }

  get log(): readonly LogEntry[] {
    return this.#log;
  }

  /** Whether the process is gone, by itself or by a signal. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Whether it holds the lease now. */
  get leads(): boolean {
    const last = this.#log.findLast(({ msg }) => msg === "leading" || msg === "no longer leading");
    return last?.msg === "leading";
  }

  async fetch(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const port = this.#log.find(({ msg }) => msg === "serving health and metrics")?.["port"];
    if (port === undefined) throw new Error(`the operator does not listen yet:\n${this.#tail()}`);
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** The value of a metric, summed over its labels that match. */
  async metric(name: string, labels = ""): Promise<number> {
    const { text } = await this.fetch("/metrics");
    return text
      .split("\n")
      .filter((line) => line.startsWith(`sallyport_operator_${name}`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Stops and continues it, as a machine that sleeps does. */
  suspend(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  #tail(): string {
    return this.#log
      .slice(-15)
      .map((entry) => JSON.stringify(entry))
      .join("\n");
  }
}

function entryOf(line: string): LogEntry {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return { level: 60, msg: line };
  }
}
