import { Command, CommanderError } from "commander";
import { EngineUnavailable } from "../lab/engine/ports.ts";
import { demo } from "./demo/demo.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { addLabCommands } from "./lab/commands.ts";
import type { Terminal } from "./terminal.ts";

const description = "EC2 security groups for Kubernetes pods.";

function buildProgram(terminal: Terminal, end: (code: number) => void): Command {
  const program = new Command("sallyport").description(description).version("0.1.0").enablePositionalOptions();
  program.addHelpText(
    "after",
    "\nExit codes: 0 all held, 1 something failed, 2 bad usage, an invalid file, or this machine cannot run it.",
  );
  program
    .command("demo")
    .description("a story of a minute: which connections are tracked, what a removed rule cuts, a noisy pod (root)")
    .action(async () => end(await demo(terminal)));
  addLabCommands(program, terminal, end);
  const each = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
      .showHelpAfterError("(add --help for usage)");
    for (const child of command.commands) each(child);
  };
  each(program);
  return program;
}

/** Runs one command line; resolves with its exit code. Results go to `out`, errors to `err`. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCodes.success;
  const program = buildProgram(terminal, (given) => {
    code = given;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    // Help and version are errors to commander, with code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.unusable;
    if (error instanceof CommandError) {
      terminal.err(`${error.message}\n`);
      return error.code;
    }
    if (error instanceof EngineUnavailable) {
      terminal.err(`error: ${error.message}\n  ${error.remedy}\n`);
      return exitCodes.unusable;
    }
    terminal.err(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exitCodes.failure;
  }
}
