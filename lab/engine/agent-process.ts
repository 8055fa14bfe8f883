import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { AgentControl } from "../../datapath/agent/control.ts";
import { launchAgent } from "../../datapath/agent/launch.ts";

/** How an agent child is started. */
export interface AgentOptions {
  /** Path of the node's network namespace. */
  readonly netns: string;
  /** Directory of the run's bpffs, where maps and links are pinned. */
  readonly bpffs: string;
  /** The compiled programs. */
  readonly object: string;
  readonly clock: "standing" | "running";
  /** Entries of the connection table. */
  readonly tableSize: number;
  /** Let egress over the bandwidth wait where the node has fq. Default false. */
  readonly queueEgress?: boolean;
}

/** A call that the agent answered with an error. */
class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Answer = {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly code?: string };
};

/** Pods that a lab can have at once; the agent's walks over the slots are the shorter for it. */
const endpointSlots = 1024;
/** Characters of the agent's last words that an error repeats. */
const keptWords = 8192;

/** A running agent child: newline-delimited JSON requests on its stdin, answers on its stdout. */
export class AgentProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #words = "";
  #gone: Error | undefined;

  constructor(options: AgentOptions) {
    const { args, environment } = launchAgent([
      "--netns",
      options.netns,
      "--bpffs",
      options.bpffs,
      "--object",
      options.object,
      "--clock",
      options.clock,
      "--table-size",
      String(options.tableSize),
      "--endpoint-slots",
      String(endpointSlots),
      "--verdicts",
      ...(options.queueEgress === true ? ["--queue-egress"] : []),
    ]);
    const env = { ...process.env, ...environment };
    this.#child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.#exited = once(this.#child, "close");
    this.#exited.catch(() => {});
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#words = (this.#words + text).slice(-keptWords);
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#answer(line));
    // A write to a child that has just died; its end is told by `close`.
    this.#child.stdin.on("error", () => {});
    this.#child.on("error", (error) => this.#end(error));
    this.#child.on("close", (code, signal) =>
      this.#end(new Error(`the agent ended (${signal ?? `exit code ${code}`})`)),
    );
  }

  /** The control channel's methods, each a request to the child. */
  readonly control: AgentControl = {
    program: (...params) => this.#request("program", params),
    statuses: (...params) => this.#request("statuses", params),
    advance: (...params) => this.#request("advance", params),
    sweep: (...params) => this.#request("sweep", params),
    connections: (...params) => this.#request("connections", params),
    metrics: (...params) => this.#request("metrics", params),
    ruleHits: (...params) => this.#request("ruleHits", params),
    verdicts: (...params) => this.#request("verdicts", params),
  };

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#gone === undefined;
  }

  /** SIGKILL, as a crash would end it; what is pinned stays. */
  async kill(): Promise<void> {
    if (this.#gone === undefined) this.#child.kill("SIGKILL");
    await this.#exited.catch(() => {});
  }

  /** Ends it in good order: closes its stdin and waits, killing it after `patience` milliseconds. */
  async stop(patience = 3000): Promise<void> {
    if (this.#gone === undefined) this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patience);
    await this.#exited.catch(() => {});
    clearTimeout(timer);
  }

  #request<T>(method: keyof AgentControl, params: readonly unknown[]): Promise<T> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  #answer(line: string): void {
    let answer: Answer;
    try {
      answer = JSON.parse(line) as Answer;
    } catch {
      // Not of the protocol; a person who reads a failure wants to see it.
      this.#words = `${this.#words}${line}\n`.slice(-keptWords);
      return;
    }
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.error === undefined) pending?.resolve(answer.result);
    else pending?.reject(new AgentError(`the agent says: ${answer.error.message}`, answer.error.code));
  }

  #end(cause: Error): void {
    if (this.#gone !== undefined) return;
    const words = this.#words.trim();
    this.#gone = new Error(words === "" ? cause.message : `${cause.message}; its last words:\n${words}`, { cause });
    for (const pending of this.#pending.values()) pending.reject(this.#gone);
    this.#pending.clear();
  }
}
