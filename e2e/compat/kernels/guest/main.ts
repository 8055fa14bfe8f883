/**
 * What runs inside the guest: loads the object, says what the verifier made of it, plays the scenarios, and tries what
 * needs fq. Without scenarios it only loads.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "../../../../cli/program.ts";
import { processTerminal } from "../../../../cli/terminal.ts";
import { BpfError } from "../../../../datapath/loader/error.ts";
import { openBpf } from "../../../../datapath/loader/open.ts";

const object = fileURLToPath(new URL("../../../../build/bpf/sallyport.bpf.o", import.meta.url));
const queueing = fileURLToPath(new URL("../../queueing/main.ts", import.meta.url));
const pinRoot = "/sys/fs/bpf/verified";

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints each program's name and how many instructions the verifier went through, as the host reads it. */
function verify(): boolean {
  mkdirSync(pinRoot);
  try {
    const loaded = openBpf().load({ object, pinRoot, constants: {}, mapSizes: { connections: 1024 } });
    for (const { name, verifiedInstructions } of loaded.programs.values())
      say(`verified ${name} ${verifiedInstructions}`);
    loaded.close();
    return true;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    // The end says which program it was and why; the whole may be megabytes, and the console is slow.
    for (const line of error.message.split("\n").slice(-60)) say(`# ${line}`);
    return false;
  }
}

/** Heads the results of a part, as the host reads them. */
function begin(part: string): void {
  say(`# part: ${part}`);
}

function playScenarios(paths: readonly string[]): Promise<number> {
  begin("scenarios");
  return run(["lab", "test", "--engine", "kernel", "--output", "tap", ...paths], processTerminal());
}

/** In a process of its own: it moves into namespaces. */
function tryQueueing(): number {
  begin("queueing");
  return spawnSync(process.execPath, ["--test-reporter=tap", queueing], { stdio: "inherit" }).status ?? 1;
}

const scenarios = process.argv.slice(2);
process.exitCode = verify() ? 0 : 1;
if (process.exitCode === 0 && scenarios.length > 0) {
  const played = await playScenarios(scenarios);
  process.exitCode = tryQueueing() || played;
}
