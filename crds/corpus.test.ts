import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Case, casesOf, corpusKinds, objectOf } from "./corpus/cases.ts";
import { duplicateRules } from "./duplicates.ts";
import { kinds } from "./kinds.ts";
import { formatProblem } from "./problem.ts";
import { validateObject } from "./validation.ts";
import { apiVersion } from "./version.ts";

for (const kind of corpusKinds)
  describe(kind, () => {
    for (const entry of casesOf(kind)) test(entry.case, () => check(entry, objectOf(kind, entry)));
  });

function check({ refused = [], parsed = {} }: Case, manifest: object): void {
  const validation = validateObject(manifest);
  if (refused.length === 0) {
    assert.ok(validation.ok, validation.ok ? "" : validation.problems.map(formatProblem).join("\n"));
    assert.partialDeepStrictEqual((validation.object as { readonly spec: object }).spec, parsed);
    return;
  }
  assert.ok(!validation.ok, "was accepted");
  const problems = validation.problems;
  const shown = problems.map(formatProblem).join("\n");
  assert.deepEqual(problems.map(({ field }) => field).sort(), refused.map(({ field }) => field).sort(), shown);
  for (const { field, message } of refused) {
    const problem = problems.find((candidate) => candidate.field === field);
    assert.ok(`${problem?.message}; ${problem?.remedy}`.includes(message), `${shown}\nlacks: ${message}`);
  }
  assert.ok(
    problems.every(({ message, remedy }) => message !== "" && remedy !== "" && !/[.!]$/.test(message)),
    shown,
  );
}

test("the schema accepts exact duplicates: the operator counts them once (S-5)", () => {
  const rule = { protocol: "all", from: [{ prefixList: "a" }] };
  const group = { apiVersion, kind: "SecurityGroup", metadata: { name: "a" }, spec: { ingress: [rule, rule] } };
  assert.equal(kinds.SecurityGroup.schema.parse(group).spec.ingress.length, 2);
  assert.equal(duplicateRules(group).length, 1);
});
