import { readFile } from "node:fs/promises";
import { type ManifestReading, readManifests } from "../../crds/manifest.ts";
import { printProblems } from "../../lab/scenario/print.ts";
import { CommandError, exitCodes } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { ask } from "./keeper/client.ts";

async function readFileOf(path: string): Promise<ManifestReading> {
  try {
    return readManifests(await readFile(path, "utf8"), path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CommandError(`error: ${path} cannot be read (${code}); name a file of manifests`, exitCodes.unusable, {
      cause: error,
    });
  }
}

/** `sallyport lab apply -f FILE`: creates or replaces objects; returns once every endpoint is programmed. */
export async function labApply(path: string, options: { readonly name: string }, terminal: Terminal): Promise<number> {
  const reading = await readFileOf(path);
  if (!reading.ok) throw new CommandError(printProblems(reading.problems), exitCodes.unusable);
  const statuses = await ask(options.name, {
    method: "apply",
    manifests: reading.manifests.map((manifest) => manifest.source),
  });
  for (const { object } of reading.manifests) terminal.out(`${object.kind} ${object.metadata.name} applied\n`);
  const failed = statuses.filter((status) => status.state !== "Programmed");
  for (const status of failed) terminal.err(`endpoint ${status.uid}: ${status.message ?? status.state}\n`);
  return failed.length === 0 ? exitCodes.success : exitCodes.failure;
}
