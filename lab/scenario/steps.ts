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
      path: [...path, "expect", "delivered"],
      message: "is not a number",
      remedy: "say how many packets arrive",
    });
  }
}

/** Reads one step; undefined when it has findings. */
export function readStep(raw: unknown, path: Path, findings: Finding[]): ReadStep | undefined {
  const before = findings.length;
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    findings.push({
      path,
      message: "is no step",
      remedy: `write a map with one of ${actionNames.join(", ")} or expect`,
    });
    return undefined;
  }
  const step = raw as Record<string, unknown>;
  const keys = Object.keys(step);
  const names = keys.filter((key): key is ActionName => actionNames.some((name) => name === key));
  for (const key of keys) {
    if (key === "expect" || names.some((name) => name === key)) continue;
    findings.push({ path: [...path, key], message: "is no step", remedy: instead(key, [...actionNames, "expect"]) });
  }
  const [action, second] = names;
  if (second !== undefined) {
    findings.push({ path: [...path, second], message: `stands beside ${action}`, remedy: "write two steps" });
  }
  if (action === undefined) {
    if (!("expect" in step)) {
      if (findings.length === before)
        findings.push({ path, message: "does nothing", remedy: `give one of ${actionNames.join(", ")} or expect` });
      return undefined;
    }
    const value = readWith(aloneExpectation, step["expect"], [...path, "expect"], findings);
    return findings.length === before ? { action: "expect", value } : undefined;
  }
  const value = readWith<unknown>(actionSchemas[action], step[action], [...path, action], findings);
  const schema = expectationFor(action);
  let expect: unknown;
  if ("expect" in step) {
    if (schema === undefined) {
      findings.push({
        path: [...path, "expect"],
        message: `says nothing beside ${action}`,
        remedy: "write it as a step of its own",
      });
    } else expect = readWith(schema, step["expect"], [...path, "expect"], findings);
    checkDelivered({ action, value, expect }, path, findings);
  }
  return findings.length === before ? { action, value, ...(expect === undefined ? {} : { expect }) } : undefined;
}
