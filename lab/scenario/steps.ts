import type { z } from "zod";
import type { Path } from "./document.ts";
import { type Finding, instead, readWith } from "./problems.ts";
import { type ActionName, actionNames, actionSchemas, aloneExpectation, expectationSchemas } from "./schema.ts";

/** A step as its schemas read it; manifests of `apply` are still to be checked. */
export interface ReadStep {
  readonly action: ActionName | "expect";
  readonly value: unknown;
  readonly expect?: unknown;
}

function expectationFor(action: ActionName): z.ZodType | undefined {
  return (expectationSchemas as Partial<Record<ActionName, z.ZodType>>)[action];
}

/** More than one packet is told by a number, one by true or false. */
function checkDelivered(
  step: { action: ActionName; value: unknown; expect: unknown },
  path: Path,
  findings: Finding[],
): void {
  const delivered = (step.expect as { delivered?: boolean | number } | undefined)?.delivered;
  const sent = step.value as { count?: number; flows?: number } | undefined;
  const many = step.action === "flood" || (sent?.count ?? 1) > 1;
  if (many && typeof delivered === "boolean") {
    findings.push({
      path: [...path, "delivered"],
      message: "is not a number",
      remedy: "say how many packets arrive",
    });
  }
}

/** The step's keys that name an action; other keys than these and `expect` are findings. */
function actionsOf(step: Record<string, unknown>, path: Path, findings: Finding[]): readonly ActionName[] {
  const keys = Object.keys(step).filter((key) => key !== "expect");
  const isAction = (key: string): key is ActionName => actionNames.some((name) => name === key);
  for (const key of keys.filter((key) => !isAction(key))) {
    findings.push({ path: [...path, key], message: "is no step", remedy: instead(key, [...actionNames, "expect"]) });
  }
  const names = keys.filter(isAction);
  const [first, second] = names;
  if (second !== undefined) {
    findings.push({ path: [...path, second], message: `stands beside ${first}`, remedy: "write two steps" });
  }
  return names;
}

/** What is expected beside an action. */
function readExpectation(
  action: ActionName,
  value: unknown,
  written: unknown,
  path: Path,
  findings: Finding[],
): unknown {
  const schema = expectationFor(action);
  if (schema === undefined) {
    findings.push({ path, message: `says nothing beside ${action}`, remedy: "write it as a step of its own" });
    return undefined;
  }
  const expect = readWith(schema, written, path, findings);
  checkDelivered({ action, value, expect }, path, findings);
  return expect;
}

function readFields(step: Record<string, unknown>, path: Path, findings: Finding[]): ReadStep | undefined {
  const before = findings.length;
  const [action] = actionsOf(step, path, findings);
  const expectPath = [...path, "expect"];
  if (action !== undefined) {
    const value = readWith<unknown>(actionSchemas[action], step[action], [...path, action], findings);
    if (!("expect" in step)) return { action, value };
    const expect = readExpectation(action, value, step["expect"], expectPath, findings);
    return { action, value, ...(expect === undefined ? {} : { expect }) };
  }
  if ("expect" in step)
    return { action: "expect", value: readWith(aloneExpectation, step["expect"], expectPath, findings) };
  if (findings.length === before)
    findings.push({ path, message: "does nothing", remedy: `give one of ${actionNames.join(", ")} or expect` });
  return undefined;
}

/** Reads one step; undefined when it has findings. */
export function readStep(raw: unknown, path: Path, findings: Finding[]): ReadStep | undefined {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    findings.push({
      path,
      message: "is no step",
      remedy: `write a map with one of ${actionNames.join(", ")} or expect`,
    });
    return undefined;
  }
  const before = findings.length;
  const step = readFields(raw as Record<string, unknown>, path, findings);
  return findings.length === before ? step : undefined;
}
