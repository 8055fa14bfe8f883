import { readYaml } from "../../crds/yaml.ts";
import { type Path, type SourceDocument, sourceDocument } from "./document.ts";
import { type Manifest, readManifestsAt } from "./manifests.ts";
import { type Finding, type Problem, problemOf, readWith } from "./problems.ts";
import { checkReferences } from "./references.ts";
import type { Action, Scenario, Step } from "./scenario.ts";
import { envelopeSchema } from "./schema.ts";
import { type ReadStep, readStep } from "./steps.ts";

/** What reading one file gives: scenarios are complete only where there is no problem. */
export interface ParsedScenarios {
  readonly scenarios: readonly Scenario[];
  readonly problems: readonly Problem[];
}

/** The field of an action's union that its value goes by. */
function actionOf(read: ReadStep, manifests: readonly Manifest[]): Action {
  const { action, value, expect } = read;
  const beside = expect === undefined ? {} : { expect };
  // The schemas of schema.ts made `value` and `expect`; here they meet the types that were inferred from these.
  switch (action) {
    case "apply":
      return { kind: "apply", manifests };
    case "delete":
      return { kind: "delete", target: value } as Action;
    case "removePod":
      return { kind: "removePod", pod: value } as Action;
    case "advance":
      return { kind: "advance", seconds: value } as Action;
    case "restartAgent":
      return { kind: "restartAgent" };
    case "expect":
      return { kind: "expect", expect: value } as Action;
    case "pod":
    case "packet":
    case "connect":
    case "exchange":
    case "close":
    case "flood":
      return { kind: action, [action]: value, ...beside } as unknown as Action;
  }
}

interface Reading {
  readonly document: SourceDocument;
  readonly object: string;
  readonly findings: Finding[];
  readonly problems: Problem[];
}

async function manifestsAt(raw: unknown, path: Path, reading: Reading): Promise<readonly Manifest[]> {
  const { manifests, problems } = await readManifestsAt(raw, path, reading.document);
  reading.problems.push(...problems);
  return manifests;
}

async function readSteps(raw: readonly unknown[], reading: Reading): Promise<Step[]> {
  const steps: Step[] = [];
  for (const [index, entry] of raw.entries()) {
    const path: Path = ["spec", "steps", index];
    const read = readStep(entry, path, reading.findings);
    if (read === undefined) continue;
    const manifests = read.action === "apply" ? await manifestsAt(read.value, [...path, "apply"], reading) : [];
    const line = reading.document.line(path);
    const expectLine = read.expect === undefined ? line : reading.document.line([...path, "expect"]);
    steps.push({ number: index + 1, line, expectLine, action: actionOf(read, manifests) });
  }
  return steps;
}

function nameOf(value: unknown): string {
  const name = (value as { metadata?: { name?: unknown } } | null)?.metadata?.name;
  return typeof name === "string" ? `Scenario ${name}` : "Scenario";
}

async function parseDocument(document: SourceDocument): Promise<ParsedScenarios> {
  const reading: Reading = { document, object: nameOf(document.value), findings: [], problems: [] };
  const envelope = readWith(envelopeSchema, document.value, [], reading.findings);
  // Steps and manifests are read all the same, so that everything wrong is told at once.
  const spec = (document.value as { spec?: Record<string, unknown> } | null)?.spec;
  const rawSteps = Array.isArray(spec?.["steps"]) ? spec["steps"] : [];
  const resources = spec?.["resources"];
  const manifests =
    typeof resources === "object" && resources !== null
      ? await manifestsAt(resources, ["spec", "resources"], reading)
      : [];
  const steps = await readSteps(rawSteps, reading);
  const located = (finding: Finding): Problem => problemOf(finding, document, reading.object);
  if (envelope === undefined || reading.findings.length > 0 || reading.problems.length > 0) {
    return {
      scenarios: [],
      problems: [...reading.findings.map(located), ...reading.problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    };
  }
  const { metadata, spec: read } = envelope;
  const scenario: Scenario = {
    name: metadata.name,
    file: document.file,
    line: document.line([]),
    config: read.config,
    resources: manifests,
    pods: read.pods,
    hosts: read.hosts,
    steps,
  };
  const problems = checkReferences(scenario).map(located);
  return problems.length > 0 ? { scenarios: [], problems } : { scenarios: [scenario], problems };
}

/** Reads every scenario of one file; all that is wrong is told at once. */
export async function parseScenarios(file: string, text: string): Promise<ParsedScenarios> {
  const yaml = readYaml(text, file);
  if (!yaml.ok) return { scenarios: [], problems: yaml.problems };
  if (yaml.documents.length === 0) {
    return {
      scenarios: [],
      problems: [
        {
          file,
          line: 1,
          object: "file",
          field: "",
          message: "holds no scenario",
          remedy: "write at least one document of kind Scenario",
        },
      ],
    };
  }
  const parsed = await Promise.all(yaml.documents.map((document) => parseDocument(sourceDocument(file, document))));
  return { scenarios: parsed.flatMap((one) => one.scenarios), problems: parsed.flatMap((one) => one.problems) };
}
