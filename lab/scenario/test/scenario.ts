import assert from "node:assert/strict";
import { formatProblem } from "../../../crds/manifest.ts";
import { parseScenarios } from "../parse.ts";
import type { Scenario } from "../scenario.ts";

/** A scenario document with this `spec`, given as lines of YAML without their indent. */
export function scenarioText(...spec: readonly string[]): string {
  const head = ["apiVersion: lab.sallyport.dev/v1alpha1", "kind: Scenario", "metadata: { name: s }", "spec:"];
  return [...head, ...spec.map((line) => `  ${line}`)].join("\n");
}

/** What is wrong with a scenario, one line each as the command prints it. */
export async function problemsOf(...spec: readonly string[]): Promise<readonly string[]> {
  const { problems } = await parseScenarios("s.yaml", scenarioText(...spec));
  return problems.map(formatProblem);
}

/** The one scenario with this `spec`, which must be valid. */
export async function scenarioOf(...spec: readonly string[]): Promise<Scenario> {
  const { scenarios, problems } = await parseScenarios("s.yaml", scenarioText(...spec));
  assert.deepEqual(problems, []);
  const [scenario] = scenarios;
  assert.ok(scenario);
  return scenario;
}
