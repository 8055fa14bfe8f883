import { fileURLToPath } from "node:url";

/** What starts an agent's process: `node` with these arguments, and these variables over one's own. */
export interface AgentLaunch {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/**
 * What code of an earlier start of the agent became: without types, and compiled. To take the types off anew loads a
 * WebAssembly module of 20 MiB. An image has this folder filled by starting its agent once.
 */
const codeCache = fileURLToPath(new URL("../../build/code-cache", import.meta.url));

/**
 * Young objects in 1 MiB in place of 16, and a heap that grows as slowly as it can: an agent has some 10 MiB alive, and
 * each rule change leaves as much behind. With Node's own settings its memory is over 250 MiB.
 */
const nodeFlags = ["--max-semi-space-size=1", "--memory-saver-mode"];

/** glibc gives freed memory back at once: policies and their prefixes come and go in pieces of 64 KiB and more. */
const allocator = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "65536" };

/** How an agent with these flags (`config.ts`) is started, by whatever starts it: small, as a node has one each. */
export function launchAgent(flags: readonly string[]): AgentLaunch {
  return {
    args: [...nodeFlags, main, ...flags],
    environment: { ...allocator, NODE_COMPILE_CACHE: codeCache },
  };
}
