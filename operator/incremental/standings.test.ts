import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointPolicy, NodePolicy } from "../../semantics/policy.ts";
import type { StoredObject } from "../ports.ts";
import { Standings } from "./standings.ts";

const endpoint = (namespace: string, ruleSet: string): EndpointPolicy =>
  ({ pod: { namespace, name: "p", uid: `${namespace}/p` }, ruleSet, trackedPorts: [] }) as unknown as EndpointPolicy;

const policy: NodePolicy = { node: "n1", endpoints: [endpoint("a", "ra"), endpoint("b", "rb")] };
const policies = new Map([["n1", policy]]);

/** The policy as the API has it, with a report of both rule sets at these revisions, about this generation. */
function stored(spec: NodePolicy, generation: number, revisions?: readonly [string, string]): StoredObject {
  const [ra, rb] = revisions ?? [];
  const endpoints = spec.endpoints.map(({ pod }) => ({ uid: pod.uid, state: "Programmed" }));
  const status = { observedGeneration: 1, config: "", revisions: { ra, rb }, endpoints };
  const metadata = { name: "n1", uid: "u", generation, resourceVersion: "", creationTimestamp: "" };
  return { apiVersion: "", kind: "NodePolicy", metadata, spec, ...(revisions === undefined ? {} : { status }) };
}

/** Namespaces whose endpoints moved: with filters, with allowances. */
function moved(standings: Standings, object: StoredObject): readonly (readonly string[])[] {
  const { filters, allowances } = standings.update(policies, [object]);
  return [[...filters], [...allowances]];
}

test("a first report moves all endpoints of its node, a later one those of which it says something else", () => {
  const standings = new Standings();
  assert.deepEqual(moved(standings, stored(policy, 1)), [[], []], "nothing is told yet");
  const first = stored(policy, 1, ["1", "1"]);
  assert.deepEqual(moved(standings, first), [
    ["a", "b"],
    ["a", "b"],
  ]);
  assert.deepEqual(moved(standings, first), [[], []]);
  assert.deepEqual(moved(standings, stored(policy, 1, ["1", "1"])), [[], []]);
  assert.deepEqual(moved(standings, stored(policy, 1, ["1", "2"])), [["b"], ["b"]]);
});

test("a report about an older policy leaves allowances behind, not rules", () => {
  const standings = new Standings();
  moved(standings, stored(policy, 1, ["1", "1"]));
  assert.equal(standings.of("n1").current, true);
  assert.deepEqual(moved(standings, stored(policy, 2, ["1", "1"])), [[], ["a", "b"]]);
  assert.equal(standings.of("n1").current, false);
});

test("a node does not know its policy as long as the API has another one", () => {
  const standings = new Standings();
  const older = { ...policy, endpoints: [endpoint("a", "older"), endpoint("b", "rb")] };
  moved(standings, stored(older, 1));
  moved(standings, stored(older, 1, ["1", "1"]));
  assert.equal(standings.of("n1").current, false);
});

test("a node without endpoints is forgotten", () => {
  const standings = new Standings();
  moved(standings, stored(policy, 1, ["1", "1"]));
  standings.update(new Map(), []);
  assert.equal(standings.of("n1").report, undefined);
});
