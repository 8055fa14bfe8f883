import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadScenarios } from "../../lab/scenario/load.ts";
import { printProblems } from "../../lab/scenario/print.ts";
import { CommandError, exitCodes } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { isUp } from "./keeper/client.ts";
import type { Report } from "./keeper/main.ts";
import { stateDirectory } from "./keeper/protocol.ts";

const keeperMain = fileURLToPath(new URL("./keeper/main.ts", import.meta.url));

async function startKeeper(lab: string, file: string): Promise<Report> {
  const directory = stateDirectory(lab);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const log = await open(join(directory, "keeper.log"), "w");
  const child = spawn(process.execPath, [keeperMain, lab, resolve(file)], {
    detached: true,
    stdio: ["ignore", log.fd, log.fd, "ipc"],
  });
  const report = await new Promise<Report>((done) => {
    child.once("message", (message) => done(message as Report));
    child.once("error", (error) => done({ error: error.message }));
    child.once("exit", (code) =>
      done({ error: `the lab ended with exit code ${code}; see ${join(directory, "keeper.log")}` }),
    );
  });
  await log.close();
  if (child.connected) child.disconnect();
  child.unref();
  return report;
}

/** `sallyport lab up FILE`: brings up a scenario's machines and resources, and leaves them up. */
export async function labUp(file: string, options: { readonly name: string }, terminal: Terminal): Promise<number> {
  const { scenarios, problems } = await loadScenarios([file]);
  if (problems.length > 0) throw new CommandError(printProblems(problems), exitCodes.unusable);
  const [scenario, second] = scenarios;
  if (scenario === undefined)
    throw new CommandError(`error: ${file} holds no scenario; name a scenario file`, exitCodes.unusable);
  if (second !== undefined)
    terminal.err(`note: ${file} holds ${scenarios.length} scenarios; ${scenario.name}, the first, is brought up\n`);
  if (await isUp(options.name)) {
    throw new CommandError(
      `error: a lab named ${options.name} is up already; end it with sallyport lab down, or choose another --name`,
      exitCodes.unusable,
    );
  }
  const report = await startKeeper(options.name, file);
  if ("error" in report) throw new CommandError(`error: ${report.error}`, exitCodes.unusable);
  const suffix = options.name === "default" ? "" : ` --name ${options.name}`;
  terminal.out(`${scenario.name} is up: ${scenario.pods.length} pods, ${scenario.hosts.length} hosts\n`);
  terminal.out(
    `  sallyport lab status${suffix}\n  sallyport lab exec${suffix} ${scenario.pods[0]?.name ?? "POD"} -- ip address\n  sallyport lab down${suffix}\n`,
  );
  return exitCodes.success;
}
