import type { z } from "zod";
import { documentationAt, fieldsAt } from "./outline.ts";
import { fieldOf, type PathPart, valueAt } from "./problem.ts";
import type { PlacedRefusal, Refusal } from "./refusal.ts";
import { meant } from "./spelling.ts";
import { textForms } from "./text.ts";

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const nameOf = (type: string): string => typeNames[type] ?? type;

function typeOf(value: unknown): string {
  if (value === null) return "empty (null)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return Number.isInteger(value) ? "a number" : "a fraction";
  return nameOf(typeof value);
}

function wrongType(expected: readonly string[], value: unknown): Refusal {
  const names = expected.map(nameOf).join(" or ");
  if (value === null)
    return { message: "is empty (null)", remedy: `write ${names}, or leave the field out if it is optional` };
  const message = `is ${typeOf(value)} where ${names} is expected`;
  const scalar = typeof value === "number" || typeof value === "boolean";
  return { message, remedy: expected.includes("string") && scalar ? `put it in quotes: "${value}"` : `write ${names}` };
}

function wrongSize(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): Refusal {
  const most = issue.code === "too_big";
  const bound = String(most ? issue.maximum : issue.minimum);
  const limit = `at ${most ? "most" : "least"} ${bound}`;
  switch (issue.origin) {
    case "string":
      return { message: `is too ${most ? "long" : "short"}`, remedy: `write ${limit} characters` };
    case "array":
      return { message: `has too ${most ? "many" : "few"} entries`, remedy: `list ${limit}` };
    default:
      return { message: `must be ${limit}`, remedy: `write a number of ${limit}` };
  }
}

function wrongChoice(issue: z.core.$ZodIssueInvalidValue, value: unknown): Refusal {
  const choices = issue.values.map(String);
  const likely = choices.length === 1 ? choices[0] : meant(typeof value === "string" ? value : "", choices);
  return {
    message: choices.length === 1 ? `must be ${choices[0]}` : `is not one of ${choices.join(", ")}`,
    remedy: likely === undefined ? "write one of these" : `write \`${likely}\``,
  };
}

function wrongForm(issue: z.core.$ZodIssueInvalidStringFormat): Refusal {
  const form = Object.values(textForms).find(({ pattern }) => String(pattern) === issue.pattern);
  if (!form) return { message: issue.message, remedy: "correct the text" };
  return { message: form.message, remedy: form.remedy };
}

/** The alternative that came nearest to fitting is the last that took the type of the value. */
function noAlternative(issue: z.core.$ZodIssueInvalidUnion, value: unknown): Refusal {
  const first = issue.errors.flatMap((issues) => issues.slice(0, 1));
  const types = first.flatMap((inner) => (inner.code === "invalid_type" ? [inner.expected] : []));
  if (types.length === first.length) return wrongType(types, value);
  const nearest = first.filter((inner) => inner.code !== "invalid_type").at(-1);
  return nearest ? refusalOf(nearest, value) : { message: issue.message, remedy: "correct the value" };
}

function refusalOf(issue: z.core.$ZodIssue, value: unknown): Refusal {
  switch (issue.code) {
    case "invalid_type":
      return wrongType([issue.expected], value);
    case "too_big":
    case "too_small":
      return wrongSize(issue);
    case "invalid_value":
      return wrongChoice(issue, value);
    case "invalid_format":
      return wrongForm(issue);
    case "invalid_union":
      return noAlternative(issue, value);
    case "invalid_key": {
      const inner = issue.issues[0];
      return inner ? refusalOf(inner, value) : { message: issue.message, remedy: "correct the key" };
    }
    case "custom": {
      const { remedy = "correct the value" } = issue.params ?? {};
      return { message: issue.message, remedy: String(remedy) };
    }
    case "unrecognized_keys":
    case "invalid_element":
    case "not_multiple_of":
      return { message: issue.message, remedy: "correct the value" };
  }
}

function unknownField(schema: z.ZodType, path: readonly PathPart[], key: string): PlacedRefusal {
  const here = [...path, key];
  if (key === "namespace" && path[0] === "metadata")
    return { path: here, message: "unknown field: this kind is cluster-scoped", remedy: "remove the namespace" };
  const known = fieldsAt(schema, path);
  const likely = meant(key, known);
  if (likely === undefined)
    return { path: here, message: "unknown field", remedy: `remove it; fields here are ${known.join(", ")}` };
  return { path: here, message: "unknown field", remedy: `did you mean \`${likely}\`?` };
}

function missingField(schema: z.ZodType, path: readonly PathPart[], issue: z.core.$ZodIssue): PlacedRefusal {
  const choices = issue.code === "invalid_value" ? `: ${issue.values.join(", ")}` : "";
  const documentation = documentationAt(schema, path)?.replace(/\.$/, "");
  const remedy = `write \`${path.at(-1)}\`${documentation === undefined ? choices : ` (${documentation})`}`;
  return { path, message: "is missing", remedy };
}

function explainIssue(schema: z.ZodType, root: unknown, issue: z.core.$ZodIssue): readonly PlacedRefusal[] {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownField(schema, path, key));
  const value = valueAt(root, path);
  if (value === undefined && issue.code !== "custom") return [missingField(schema, path, issue)];
  return [{ path, ...refusalOf(issue, value) }];
}

/** Fields that unknown ones stand for: to call those missing as well would be one error twice. */
function misspelt(schema: z.ZodType, issues: readonly z.core.$ZodIssue[]): ReadonlySet<string> {
  const fields = issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [];
    const path = issue.path.filter((part) => typeof part !== "symbol");
    return issue.keys.map((key) => fieldOf([...path, meant(key, fieldsAt(schema, path)) ?? key]));
  });
  return new Set(fields);
}

/** What zod's issues with a value say, in our words; an issue with several unknown fields becomes several. */
export function explainIssues(
  schema: z.ZodType,
  root: unknown,
  issues: readonly z.core.$ZodIssue[],
): readonly PlacedRefusal[] {
  const elsewhere = misspelt(schema, issues);
  return issues
    .filter(({ path }) => {
      const parts = path.filter((part) => typeof part !== "symbol");
      return valueAt(root, parts) !== undefined || !elsewhere.has(fieldOf(parts));
    })
    .flatMap((issue) => explainIssue(schema, root, issue));
}
