import assert from "node:assert/strict";
import { test } from "node:test";
import { churnStep, rate } from "./churn.ts";
import { sizes } from "./size.ts";

const first = 1_000_000;
const steps = Array.from({ length: 60 * rate }, (_, index) => churnStep(index, sizes.full, first));

test("pods come, get their addresses a second later and go after twenty, in this order", () => {
  const timesOf = (kind: string) =>
    new Map(steps.flatMap((step, index) => (step.kind === kind ? [[step.pod, index] as const] : [])));
  const [created, run, deleted] = ["create", "run", "delete"].map(timesOf);
  assert.ok(created && run && deleted);
  assert.equal(created.size, (60 * rate) / 4);
  assert.equal(deleted.size, (40 * rate) / 4);
  for (const [pod, index] of run) assert.equal(index - (created.get(pod) ?? 0), rate + 1);
  for (const [pod, index] of deleted) assert.equal(index - (created.get(pod) ?? 0), 20 * rate + 3);
});

test("only pods that were there from the start are relabelled, each once", () => {
  for (const size of Object.values(sizes)) {
    const all = Array.from({ length: 60 * rate }, (_, index) => churnStep(index, size, first));
    const labelled = all.filter(({ kind }) => kind === "label").map(({ pod }) => pod);
    assert.ok(labelled.every((pod) => pod < size.pods));
    assert.equal(new Set(labelled).size, labelled.length);
  }
});
