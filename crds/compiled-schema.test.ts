import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import type { AddressSet, NodeConfig, NodePolicy } from "../semantics/policy.ts";
import { type CompiledKind, compiledPlurals, type NodePolicyStatus, type RuleSetSpec } from "./compiled.ts";
import { compiledSchemas, nodePolicyStatus } from "./compiled-schema.ts";
import type { DeepReadonly } from "./readonly.ts";

interface Specs {
  readonly RuleSet: RuleSetSpec;
  readonly AddressSet: AddressSet;
  readonly NodePolicy: NodePolicy;
  readonly NodeConfig: NodeConfig;
}

/** Does not compile when the operator may write something that a schema does not take. */
const fits: { readonly [K in CompiledKind]: (spec: Specs[K]) => DeepReadonly<z.input<(typeof compiledSchemas)[K]>> } = {
  RuleSet: (spec) => spec,
  AddressSet: (spec) => spec,
  NodePolicy: (spec) => spec,
  NodeConfig: (spec) => spec,
};

const statusFits = (status: NodePolicyStatus): DeepReadonly<z.input<typeof nodePolicyStatus>> => status;

test("every compiled kind has a schema that takes what is written", () => {
  assert.deepEqual(Object.keys(compiledSchemas).sort(), Object.keys(compiledPlurals).sort());
  const config = {
    revision: "a",
    tracking: { cidrs: [], outsideCluster: false, clusterCidrs: [] },
    dnsAddresses: [],
    antiSpoofing: "Filtered",
  } as const;
  assert.deepEqual(compiledSchemas.NodeConfig.parse(fits.NodeConfig(config)), config);
  const status = { observedGeneration: 1, config: "a", revisions: {}, endpoints: [] };
  assert.deepEqual(nodePolicyStatus.parse(statusFits(status)), status);
});
