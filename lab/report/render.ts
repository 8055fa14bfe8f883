import { renderJson } from "./json.ts";
import { renderJunit } from "./junit.ts";
import { renderPretty } from "./pretty.ts";
import type { Output, RunResult } from "./result.ts";
import { renderTap } from "./tap.ts";

/** The text of a run in one of the four outputs. */
export function render(run: RunResult, output: Output, colours: boolean): string {
  switch (output) {
    case "pretty":
      return renderPretty(run, colours);
    case "tap":
      return renderTap(run);
    case "junit":
      return renderJunit(run);
    case "json":
      return renderJson(run);
  }
}
