import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import { selector, selects } from "./selector.ts";

const web = { app: "web", tier: "" };

const cases: readonly (readonly [string, z.input<typeof selector>, boolean])[] = [
  ["an empty selector selects all", {}, true],
  ["a label with its value", { matchLabels: { app: "web" } }, true],
  ["a label with another value", { matchLabels: { app: "db" } }, false],
  ["all labels must be there", { matchLabels: { app: "web", zone: "a" } }, false],
  ["an empty value is a value", { matchLabels: { tier: "" } }, true],
  ["In, one of", { matchExpressions: [{ key: "app", operator: "In", values: ["db", "web"] }] }, true],
  ["In, none of", { matchExpressions: [{ key: "app", operator: "In", values: ["db"] }] }, false],
  ["In, label absent", { matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }, false],
  ["NotIn, one of", { matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }] }, false],
  ["NotIn, label absent", { matchExpressions: [{ key: "zone", operator: "NotIn", values: ["a"] }] }, true],
  ["Exists", { matchExpressions: [{ key: "tier", operator: "Exists" }] }, true],
  ["Exists, absent", { matchExpressions: [{ key: "zone", operator: "Exists" }] }, false],
  ["DoesNotExist", { matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] }, true],
  ["DoesNotExist, there", { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] }, false],
  ["a name that every object inherits", { matchExpressions: [{ key: "toString", operator: "Exists" }] }, false],
  [
    "labels and expressions together",
    { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] },
    false,
  ],
];

for (const [name, written, expected] of cases)
  test(name, () => assert.equal(selects(selector.parse(written), web), expected));
