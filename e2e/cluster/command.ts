import { spawn } from "node:child_process";

/** What a command that ran to its end gave. */
export interface CommandResult {
  /** Exit code; null when a signal ended it or it could not be started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the process's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Called with each whole line of standard error, as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs a command to its end. One that can't be started has its reason in `stderr`. */
export function run(name: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(name, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      stdio: "pipe",
    });
    let stdout = "";
    let stderr = "";
    let line = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      const lines = (line + text).split("\n");
      line = lines.pop() ?? "";
      for (const whole of lines) options.onLine?.(whole);
    });
    // A command may end before it has read its input.
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    child.once("error", (error) => resolve({ code: null, stdout, stderr: `${stderr}${error.message}` }));
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
