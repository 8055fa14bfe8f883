import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseConfig } from "../config.ts";
import { Rounds } from "../control/rounds.ts";
import type { Kind } from "../ports.ts";
import { readObjects, toSnapshot } from "../reconcile/gather.ts";
import type { CompiledObjects } from "../resolve/resolution.ts";
import { resolve } from "../resolve/resolve.ts";
import { decideStatuses } from "../status/status.ts";
import { Cluster, cidr, member, SteppingClock, tcp } from "../test/cluster.ts";

const groupNames = ["web", "db", "ops"] as const;
const namespaces = ["default", "other"] as const;
const config = parseConfig();

/** One change; those of pods and slices can be worked out from a part. */
type Step =
  | {
      readonly kind: "pod";
      readonly name: string;
      readonly namespace: string;
      readonly groups: readonly string[];
      readonly node: string | null;
      readonly address: number | null;
      readonly phase: string;
      readonly hostNetwork: boolean;
    }
  | { readonly kind: "pod-gone"; readonly at: number }
  | {
      readonly kind: "slice";
      readonly namespace: string;
      readonly pods: readonly number[];
      readonly port: number;
      readonly foreign: boolean;
    }
  | { readonly kind: "slice-gone"; readonly at: number }
  | {
      readonly kind: "group";
      readonly name: string;
      readonly namespace: string;
      readonly port: number;
      readonly peer: string;
    }
  | { readonly kind: "acl"; readonly namespace: string; readonly valid: boolean }
  | { readonly kind: "group-gone"; readonly at: number };

const pod = fc.record({
  kind: fc.constant("pod" as const),
  name: fc.constantFrom("p1", "p2", "p3", "p4", "p5"),
  namespace: fc.constantFrom(...namespaces),
  groups: fc.subarray([...groupNames]),
  node: fc.constantFrom("n1", "n2", "n3", null),
  address: fc.option(fc.integer({ min: 1, max: 9 })),
  phase: fc.constantFrom("Running", "Running", "Running", "Succeeded"),
  hostNetwork: fc.constantFrom(false, false, false, false, true),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: pod },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pod-gone" as const), at: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("slice" as const),
      namespace: fc.constantFrom(...namespaces),
      pods: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
      port: fc.integer({ min: 1, max: 2 }),
      foreign: fc.constantFrom(...Array(11).fill(false), true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("slice-gone" as const), at: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("group" as const),
      name: fc.constantFrom(...groupNames),
      namespace: fc.constantFrom(...namespaces),
      port: fc.constantFrom(1, 2, 3, 4, 99_999),
      peer: fc.constantFrom(...groupNames),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("acl" as const),
      namespace: fc.constantFrom(...namespaces),
      valid: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("group-gone" as const), at: fc.nat(5) }) },
);

/** Carries a step out; the key of the object that it changed, or undefined if there was nothing to do. */
async function carryOut(cluster: Cluster, one: Step): Promise<string | undefined> {
  switch (one.kind) {
    case "pod": {
      const { name, namespace, node, address, phase, hostNetwork } = one;
      const labels = Object.fromEntries(one.groups.map((group) => [group, ""]));
      const addresses = address === null ? [] : [`10.244.0.${address}`];
      await cluster.pod(name, { namespace, labels, node, addresses, phase, hostNetwork });
      return `Pod ${namespace}/${name}`;
    }
    case "slice": {
      const pods = (await cluster.api.list("Pod")).items;
      const listed = one.pods.map((at) => pods[at]).filter((found) => found !== undefined);
      const own = listed.filter(({ metadata }) => one.foreign || metadata.namespace === one.namespace);
      const endpoints = own.map(({ metadata }) => ({
        addresses: ["192.0.2.1"],
        targetRef: { kind: "Pod", uid: metadata.uid },
      }));
      const place = { namespace: one.namespace, labels: { "kubernetes.io/service-name": "s" } };
      const ports = [{ name: "http", port: one.port, protocol: "TCP" }];
      await cluster.put("EndpointSlice", "s", {}, place, { addressType: "IPv4", endpoints, ports });
      return `EndpointSlice ${one.namespace}/s`;
    }
    case "group": {
      const ingress = [tcp(String(one.port), member(one.peer), cidr("198.51.100.0/24"))];
      await cluster.group(one.name, { ingress }, { namespace: one.namespace });
      return `SecurityGroup ${one.namespace}/${one.name}`;
    }
    case "acl":
      await cluster.put("NetworkACL", "acl", { inbound: one.valid ? [] : "wrong" }, { namespace: one.namespace });
      return `NetworkACL ${one.namespace}/acl`;
    case "pod-gone":
      return remove(cluster, "Pod", one.at);
    case "slice-gone":
      return remove(cluster, "EndpointSlice", one.at);
    case "group-gone":
      return remove(cluster, "SecurityGroup", one.at);
  }
}

async function remove(cluster: Cluster, kind: Kind, at: number): Promise<string | undefined> {
  const object = (await cluster.api.list(kind)).items[at];
  if (object === undefined) return undefined;
  const { name, namespace } = object.metadata;
  await cluster.remove(kind, name, namespace);
  return `${kind} ${namespace}/${name}`;
}

async function prepared(): Promise<Cluster> {
  const cluster = new Cluster();
  for (const namespace of namespaces) {
    await cluster.put("Namespace", namespace, {});
    for (const name of groupNames)
      await cluster.group(name, { ingress: [tcp("80", member("web"), member("db"))] }, { namespace });
    const ports = [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }];
    const spec = {
      type: "LoadBalancer",
      selector: { web: "" },
      clusterIP: namespace === "other" ? "10.96.0.2" : "10.96.0.1",
      ports,
    };
    await cluster.put("Service", "s", spec, { namespace });
  }
  await cluster.put("TrackingPolicy", "default", { paths: [{ name: "network-load-balancer", services: true }] });
  return cluster;
}

/** The compiled objects that the API holds, by kind and name, without what the server adds. */
async function stored(cluster: Cluster) {
  const objects = await readObjects(cluster.api);
  return (["RuleSet", "AddressSet", "NodePolicy", "NodeConfig"] as const).flatMap((kind) =>
    objects[kind].map(({ metadata, spec }) => ({ kind, name: metadata.name, labels: metadata.labels, spec })),
  );
}

async function whole(cluster: Cluster): Promise<CompiledObjects> {
  return resolve(toSnapshot(await readObjects(cluster.api)), config).compiled;
}

test("rounds of parts leave the API and the statuses as rounds of everything would", async () => {
  const extents = { part: 0, whole: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 20 }),
      async (batches) => {
        const cluster = await prepared();
        const rounds = new Rounds(cluster.api, config, new SteppingClock());
        await rounds.compile(["everything"]);
        for (const batch of batches) {
          const keys: string[] = [];
          for (const one of batch) {
            const key = await carryOut(cluster, one);
            if (key !== undefined) keys.push(key);
          }
          extents[await rounds.compile([...new Set(keys)])] += 1;
          const before = await stored(cluster);
          const { config: wantedConfig, ...wanted } = await whole(cluster);
          assert.ok(wantedConfig);
          assert.deepEqual(
            before.filter(({ kind }) => kind === "AddressSet").map(({ spec }) => spec),
            wanted.addressSets,
          );
          assert.deepEqual(
            before.filter(({ kind }) => kind === "NodePolicy").map(({ spec }) => spec),
            wanted.nodePolicies,
          );
          assert.deepEqual(
            before.filter(({ kind }) => kind === "RuleSet").map(({ name }) => name),
            [...wanted.ruleSets, ...wanted.acls].map(({ name }) => name).sort(),
          );
          await rounds.tell();
          const fresh = resolve(toSnapshot(await readObjects(cluster.api)), config);
          assert.deepEqual(decideStatuses(fresh, "1970-01-01T00:00:00Z"), []);
        }
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(extents.part > 300, JSON.stringify(extents));
});
