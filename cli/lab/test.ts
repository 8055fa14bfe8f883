import { createEngine } from "../../lab/engine/create.ts";
import { type EngineName, engineNames } from "../../lab/engine/ports.ts";
import { render } from "../../lab/report/render.ts";
import { failedCases, type Output } from "../../lab/report/result.ts";
import { loadScenarios } from "../../lab/scenario/load.ts";
import { printProblems } from "../../lab/scenario/print.ts";
import { runScenarios } from "../../lab/scenario/run.ts";
import { CommandError, exitCodes } from "../exit.ts";
import type { Terminal } from "../terminal.ts";

export interface TestOptions {
  readonly engine: EngineName | "both";
  readonly output: Output;
}

/** `sallyport lab test`: runs scenario files and reports; the exit code tells whether all held. */
export async function labTest(paths: readonly string[], options: TestOptions, terminal: Terminal): Promise<number> {
  const { scenarios, problems } = await loadScenarios(paths);
  if (problems.length > 0) throw new CommandError(printProblems(problems), exitCodes.unusable);
  if (scenarios.length === 0)
    throw new CommandError(
      `error: no scenario in ${paths.join(", ")}\n  Scenario files end in .yaml or .yml.`,
      exitCodes.unusable,
    );
  const engines = (options.engine === "both" ? engineNames : [options.engine]).map(createEngine);
  const interrupt = new AbortController();
  const stopListening = terminal.onInterrupt(() => interrupt.abort());
  try {
    const result = await runScenarios(scenarios, engines, interrupt.signal);
    terminal.out(render(result, options.output, terminal.colours));
    if (interrupt.signal.aborted) throw new CommandError("interrupted", exitCodes.failure);
    return failedCases(result) === 0 ? exitCodes.success : exitCodes.failure;
  } finally {
    for (const engine of engines) await engine.stop();
    stopListening();
  }
}
