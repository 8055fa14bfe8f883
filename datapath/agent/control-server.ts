import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { AgentControl } from "./control.ts";

/** One line of the control channel. */
interface Request {
  readonly id: number;
  readonly method: keyof AgentControl;
  readonly params: readonly unknown[];
}

const methods: ReadonlySet<string> = new Set<keyof AgentControl>([
  "program",
  "statuses",
  "advance",
  "sweep",
  "connections",
  "metrics",
  "ruleHits",
  "verdicts",
]);

function describe(error: unknown): { message: string; code: string } {
  if (error instanceof Error) {
    return { message: error.message, code: "code" in error ? String(error.code) : error.name };
  }
  return { message: String(error), code: "Error" };
}

async function answer(agent: AgentControl, line: string): Promise<unknown> {
  const { id, method, params } = JSON.parse(line) as Request;
  try {
    if (!methods.has(method)) {
      throw new Error(`no control method ${method}; there are ${[...methods].join(", ")}`);
    }
    const call = agent[method] as (...params: readonly unknown[]) => Promise<unknown>;
    return { id, result: (await call.apply(agent, [...params])) ?? null };
  } catch (error) {
    return { id, error: describe(error) };
  }
}

/** Serves control requests, one JSON object a line, one after another, until the input ends. */
export async function serveControl(agent: AgentControl, input: Readable, output: Writable): Promise<void> {
  for await (const line of createInterface({ input })) {
    output.write(`${JSON.stringify(await answer(agent, line))}\n`);
  }
}
