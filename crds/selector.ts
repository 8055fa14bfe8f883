import { z } from "zod";
import { celList, celMatches, twin, twins } from "./cel.ts";
import { boundedMap } from "./map.ts";
import type { DeepReadonly } from "./readonly.ts";
import { checked } from "./refusal.ts";
import { text, textForms } from "./text.ts";

const operators = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

const needsValues = celList(["In", "NotIn"]);
const someValues = "(has(self.values) && self.values.size() > 0)";

const requirement = checked(
  z.strictObject({
    key: text(textForms.labelKey, "Label key that the condition is about."),
    operator: z.enum(operators).meta({ description: "How the label is compared: In, NotIn, Exists or DoesNotExist." }),
    values: z
      .array(text(textForms.labelValue, "Label value."))
      .max(64)
      .default([])
      .meta({ description: "Values for In and NotIn; none for Exists and DoesNotExist." }),
  }),
  ({ operator, values }, findings) => {
    if (!findings.sound("operator") || !findings.sound("values")) return;
    const takesValues = operator === "In" || operator === "NotIn";
    if (takesValues && values.length === 0)
      findings.refuse({ path: ["values"], message: `${operator} needs values`, remedy: "list at least one value" });
    if (!takesValues && values.length > 0)
      findings.refuse({ path: ["values"], message: `${operator} takes no values`, remedy: "remove `values`" });
  },
).meta({
  description: "One condition on a label.",
  ...twins(
    twin(
      `!(self.operator in ${needsValues}) || ${someValues}`,
      { message: "In and NotIn need values", remedy: "list at least one value" },
      ".values",
    ),
    twin(
      `self.operator in ${needsValues} || !${someValues}`,
      { message: "Exists and DoesNotExist take no values", remedy: "remove `values`" },
      ".values",
    ),
  ),
});

/** A Kubernetes label selector. All conditions must hold; without any, it selects everything. */
export const selector = z.strictObject({
  matchLabels: boundedMap(
    text(textForms.labelKey, "Label key."),
    text(textForms.labelValue, "Value that the label must have."),
    64,
    "Labels that must be there with these values.",
  )
    .default({})
    .meta(twins(twin(`self.all(key, ${celMatches("key", textForms.labelKey.pattern)})`, textForms.labelKey))),
  matchExpressions: z.array(requirement).max(64).default([]).meta({ description: "Further conditions on labels." }),
});

/** A parsed label selector. */
export type Selector = DeepReadonly<z.output<typeof selector>>;

type Requirement = Selector["matchExpressions"][number];

function holds({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** Whether the selector selects an object with these labels. An absent label fulfils NotIn, as in Kubernetes. */
export function selects(selector: Selector, labels: Readonly<Record<string, string>> = {}): boolean {
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value) &&
    selector.matchExpressions.every((requirement) => holds(requirement, labels))
  );
}
