import { exitCodes } from "./exit.ts";

/** Where a command reads and writes; tests give their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether `out` shows colours: a terminal, and NO_COLOR not set. */
  readonly colours: boolean;
  /** Calls back on Ctrl-C and on a request to end; returns how to stop listening. */
  onInterrupt(callback: () => void): () => void;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // Whoever reads has gone (`| head`): there is no one left to tell, and nothing of a run outlives its process.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.failure);
    throw error;
  });
  const noColour = process.env["NO_COLOR"];
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colours: process.stdout.isTTY === true && (noColour === undefined || noColour === ""),
    onInterrupt: (callback) => {
      const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
      for (const signal of signals) process.on(signal, callback);
      return () => {
        for (const signal of signals) process.off(signal, callback);
      };
    },
  };
}
