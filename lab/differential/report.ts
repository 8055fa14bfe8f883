import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { describeDifference, describeSequence } from "./describe.ts";
import type { Finding } from "./find.ts";
import { scenarioOf } from "./scenario.ts";

/** Where a finding's files go: below what git ignores. */
const folder = "build/differential";

/** Writes what shows a difference again, and tells it in words. */
export function reportFinding(finding: Finding): string {
  const { seed, packets, sequence, difference } = finding;
  mkdirSync(folder, { recursive: true });
  const replay = join(folder, `seed-${seed}.json`);
  writeFileSync(replay, `${JSON.stringify(sequence, undefined, 2)}\n`);
  const scenario = scenarioOf(finding);
  const file = join(folder, `seed-${seed}.yaml`);
  if (scenario !== undefined) writeFileSync(file, stringify(scenario));
  return [
    `model and kernel differ; the smallest sequence that shows it, out of ${packets} packets of seed ${seed}:`,
    "",
    describeSequence(sequence),
    "",
    describeDifference(difference),
    "",
    `play it again:  npm run differential -- --replay ${replay}`,
    ...(scenario === undefined ? [] : [`as a scenario:  npm run -s sallyport -- lab test --engine both ${file}`]),
    `the whole seed: npm run differential -- --packets ${packets} --seed ${seed}`,
  ].join("\n");
}
