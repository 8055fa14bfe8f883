import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { CommandError, exitCodes } from "../exit.ts";
import { ask } from "./keeper/client.ts";

/** `sallyport lab exec POD -- CMD`: runs a command in a machine's network namespace; its exit code is the command's. */
export async function labExec(
  machine: string,
  command: readonly string[],
  options: { readonly name: string },
): Promise<number> {
  const netns = await ask(options.name, { method: "netns", machine });
  // The -- before the command may or may not have been taken as an end of options.
  const words = command[0] === "--" ? command.slice(1) : command;
  const child = spawn("nsenter", [`--net=${netns}`, "--", ...words], { stdio: "inherit" });
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    throw new CommandError("error: nsenter cannot be run; install util-linux", exitCodes.unusable, { cause: error });
  }
}
