import { loadScenarios } from "../../../lab/scenario/load.ts";
import { Keeper } from "./keeper.ts";
import { serve } from "./server.ts";

/** What the process that started a keeper is told, once. */
export type Report = { readonly ready: true } | { readonly error: string };

async function run(lab: string, file: string): Promise<number> {
  const report = (message: Report): void => void process.send?.(message);
  try {
    const { scenarios } = await loadScenarios([file]);
    const [scenario] = scenarios;
    if (scenario === undefined) throw new Error(`${file} holds no scenario`);
    const keeper = await Keeper.start(scenario);
    await serve(lab, keeper, () => {
      report({ ready: true });
      process.disconnect?.();
    });
    return 0;
  } catch (error) {
    const remedy = error instanceof Error && "remedy" in error ? `; ${String(error.remedy)}` : "";
    report({ error: `${error instanceof Error ? error.message : String(error)}${remedy}` });
    process.disconnect?.();
    return 1;
  }
}

const [lab = "default", file = ""] = process.argv.slice(2);
process.exitCode = await run(lab, file);
