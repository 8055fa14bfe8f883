/** What runs inside the guest: loads the object, says what the verifier made of it, plays the scenarios. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "../../../../cli/program.ts";
import { processTerminal } from "../../../../cli/terminal.ts";
import { BpfError } from "../../../../datapath/loader/error.ts";
import { openBpf } from "../../../../datapath/loader/open.ts";

const object = fileURLToPath(new URL("../../../../build/bpf/sallyport.bpf.o", import.meta.url));
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

const scenarios = process.argv.slice(2);
process.exitCode = verify() ? 0 : 1;
if (process.exitCode === 0 && scenarios.length > 0)
  process.exitCode = await run(
    ["lab", "test", "--engine", "kernel", "--output", "tap", ...scenarios],
    processTerminal(),
  );
