import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelEngine } from "../engine/model.ts";
import { type Delivery, type Engine, EngineUnavailable } from "../engine/ports.ts";
import { runScenarios } from "./run.ts";
import { scenarioOf } from "./test/scenario.ts";

const spec = (...steps: readonly string[]): readonly string[] => [
  "resources:",
  "  - apiVersion: sallyport.dev/v1alpha1",
  "    kind: SecurityGroup",
  "    metadata: { name: web }",
  "    spec: { podSelector: {}, ingress: [ { protocol: icmp, from: [ { cidr: 203.0.113.0/24 } ] } ] }",
  "pods: [ { name: web } ]",
  "hosts: [ { name: client, addresses: [203.0.113.1] }, { name: other, addresses: [198.51.100.1] } ]",
  "steps:",
  ...steps.map((step) => `  - ${step}`),
];

const ping = (from: string, expect: string): string =>
  `{ packet: { from: ${from}, to: web, protocol: icmp }, expect: { ${expect} } }`;

/** An engine that loses what it should deliver. */
class LossyEngine extends ModelEngine {
  override async send(...args: Parameters<ModelEngine["send"]>): Promise<Delivery> {
    return { ...(await super.send(...args)), delivered: 0 };
  }
}

class MissingEngine extends ModelEngine {
  override async begin(): Promise<void> {
    throw new EngineUnavailable("no BPF here", "run as root");
  }
}

async function run(engines: readonly Engine[], ...steps: readonly string[]) {
  const { cases } = await runScenarios([await scenarioOf(...spec(...steps))], engines);
  return cases;
}

test("a scenario whose expectations hold has no failure", async () => {
  const [result] = await run([new ModelEngine()], ping("client", "delivered: true"), ping("other", "delivered: false"));
  assert.deepEqual(result?.failures, []);
  assert.deepEqual([result?.engine, result?.steps, result?.expectations], ["model", 2, 2]);
});

test("an expectation that does not hold fails with its line and the reason why", async () => {
  const [result] = await run([new ModelEngine()], ping("client", "delivered: true"), ping("other", "delivered: true"));
  assert.deepEqual(result?.failures, [
    {
      file: "s.yaml",
      line: 14,
      step: 2,
      action: "packet icmp other → web",
      expected: "delivered true",
      happened: "delivered false, tracking none, reason no-rule",
      why: [
        "pod default/web: groups default/web; at most 32768 connections",
        "ingress: it belongs to no tracked connection, and no rule permits it (S-1)",
        "nearest rule: default/web spec.ingress[0].from[0] (icmp from 203.0.113.0/24): 198.51.100.1 is not in 203.0.113.0/24",
      ],
    },
  ]);
});

test("a step that cannot be carried out ends the scenario as a failure of that step", async () => {
  const steps = ["delete: { kind: SecurityGroup, name: none }", ping("other", "delivered: true")];
  const [result] = await run([new ModelEngine()], ...steps);
  assert.deepEqual(
    result?.failures.map(({ line, step, happened }) => [line, step, happened]),
    [[13, 1, "SecurityGroup default/none does not exist; create it first"]],
  );
});

test("two engines are compared, step by step", async () => {
  const steps = [ping("client", "reason: rule"), ping("other", "reason: no-rule")];
  const same = await run([new ModelEngine(), new ModelEngine()], ...steps);
  assert.deepEqual(
    same.map(({ engine, failures }) => [engine, failures.length]),
    [
      ["model", 0],
      ["model", 0],
      ["both", 0],
    ],
  );
  const [, , comparison] = await run([new ModelEngine(), new LossyEngine()], ...steps);
  assert.deepEqual(
    comparison?.failures.map(({ line, step, expected, happened }) => [line, step, expected, happened]),
    [
      [
        13,
        1,
        "the same in both engines; model: delivered true, tracking tracked, reason rule",
        "model: delivered false, tracking tracked, reason rule",
      ],
    ],
  );
});

test("an engine that cannot run here is no failure of the scenario", async () => {
  await assert.rejects(run([new MissingEngine()], "advance: 1s"), EngineUnavailable);
});

test("an interrupted run begins no further scenario", async () => {
  const scenario = await scenarioOf(...spec("advance: 1s"));
  const { cases } = await runScenarios([scenario, scenario], [new ModelEngine()], AbortSignal.abort());
  assert.deepEqual(cases, []);
});
