import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AddressSet } from "../../semantics/policy.ts";
import { refOf } from "../ports.ts";
import type { CompiledObjects } from "../resolve/resolution.ts";
import { Cluster, cidr, list, member, tcp } from "../test/cluster.ts";

const groupNames = ["web", "db", "ops"] as const;
const podNames = ["p1", "p2", "p3", "p4"] as const;

/** One change of one object; every object is valid, so that no last good policy is left to history (S-75). */
type Change =
  | { readonly kind: "group"; readonly name: string; readonly port: number; readonly peers: readonly string[] }
  | {
      readonly kind: "pod";
      readonly name: string;
      readonly groups: readonly string[];
      readonly node: string;
      readonly address: number;
    }
  | { readonly kind: "list"; readonly prefix: number }
  | { readonly kind: "acl"; readonly number: number }
  | { readonly kind: "profile"; readonly max: number }
  | {
      readonly kind: "remove";
      readonly what: "SecurityGroup" | "Pod" | "NetworkACL" | "AllowanceProfile";
      readonly at: number;
    }
  | { readonly kind: "reconcile" };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant("group" as const),
    name: fc.constantFrom(...groupNames),
    port: fc.integer({ min: 1, max: 3 }),
    peers: fc.subarray([...groupNames]),
  }),
  fc.record({
    kind: fc.constant("pod" as const),
    name: fc.constantFrom(...podNames),
    groups: fc.subarray([...groupNames]),
    node: fc.constantFrom("n1", "n2"),
    address: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ kind: fc.constant("list" as const), prefix: fc.integer({ min: 8, max: 32 }) }),
  fc.record({ kind: fc.constant("acl" as const), number: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("profile" as const), max: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    kind: fc.constant("remove" as const),
    what: fc.constantFrom("SecurityGroup" as const, "Pod" as const, "NetworkACL" as const, "AllowanceProfile" as const),
    at: fc.nat(3),
  }),
  fc.record({ kind: fc.constant("reconcile" as const) }),
);

async function carryOut(cluster: Cluster, step: Change): Promise<void> {
  switch (step.kind) {
    case "group":
      await cluster.group(step.name, {
        ingress: [tcp(String(step.port), list("l"), ...step.peers.map((name) => member(name)))],
      });
      break;
    case "pod": {
      const labels = Object.fromEntries(step.groups.map((name) => [name, ""]));
      await cluster.pod(step.name, { labels, node: step.node, addresses: [`10.244.0.${step.address}`] });
      break;
    }
    case "list": {
      const entries = [cidr(`198.51.100.0/${step.prefix}`)];
      await cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 5, entries });
      break;
    }
    case "acl": {
      const rule = { number: step.number, action: "allow", protocol: "all", cidr: "0.0.0.0/0" };
      await cluster.put("NetworkACL", "acl", { inbound: [rule] });
      break;
    }
    case "profile":
      await cluster.put("AllowanceProfile", "small", { conntrack: { max: step.max } });
      break;
    case "remove": {
      const { items } = await cluster.api.list(step.what);
      const object = items[step.at];
      if (object !== undefined) await cluster.api.delete(refOf(object));
      break;
    }
    case "reconcile":
      await cluster.reconcile();
      break;
  }
}

/** A cluster with the same user objects, uids and creation times, and nothing that the operator wrote. */
async function freshStart(cluster: Cluster): Promise<CompiledObjects> {
  const fresh = new Cluster();
  const kinds = ["SecurityGroup", "PrefixList", "NetworkACL", "AllowanceProfile", "Pod"] as const;
  const lists = await Promise.all(kinds.map((kind) => cluster.api.list(kind)));
  const objects = lists.flatMap(({ items }) => items);
  // The clock of the fresh cluster steps too: what was made first must be made first again.
  objects.sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  for (const { metadata, status, ...content } of objects) {
    const { name, namespace, labels, uid } = metadata;
    const kept = {
      name,
      uid,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
    };
    await fresh.api.apply({ ...content, metadata: kept });
    if (content.kind === "Pod") await fresh.api.applyStatus(refOf({ ...content, metadata: kept }), status);
  }
  // Held deletions come last, all at once: what holds them must be there, and their finalizers on them.
  await fresh.reconcile();
  for (const object of objects)
    if (object.metadata.deletionTimestamp !== undefined) await fresh.api.delete(refOf(object));
  return (await fresh.reconcile()).compiled;
}

const addressesOf = (set: AddressSet): readonly string[] => (set.kind === "service" ? set.addresses : set.cidrs);

/** What a set stands for, whatever slice holds it: slices stay as stable as they can, so they have a history. */
function membership(sets: readonly AddressSet[]): ReadonlyMap<string, readonly string[]> {
  const keyOf = (set: AddressSet): string => {
    switch (set.kind) {
      case "members":
        return `members of ${set.groups}`;
      case "prefixList":
        return `list ${set.prefixList}`;
      case "namespace":
        return `namespace ${set.namespace}`;
      case "service":
        return set.name;
    }
  };
  const whole = Map.groupBy(sets, keyOf);
  return new Map([...whole].sort().map(([key, slices]) => [key, slices.flatMap(addressesOf).sort()]));
}

test("any sequence of changes ends in what a fresh start makes of the final state", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 5, maxLength: 40, size: "max" }), async (steps) => {
      const cluster = new Cluster();
      for (const step of steps) await carryOut(cluster, step);
      const { compiled } = await cluster.reconcile();
      const fresh = await freshStart(cluster);
      assert.deepEqual(membership(compiled.addressSets), membership(fresh.addressSets));
      const { addressSets: _a, ...others } = compiled;
      const { addressSets: _b, ...freshOthers } = fresh;
      assert.deepEqual(others, freshOthers);
    }),
    { numRuns: 60 },
  );
});

test("the API holds what was worked out, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 5, maxLength: 30, size: "max" }), async (steps) => {
      const cluster = new Cluster();
      for (const step of steps) await carryOut(cluster, step);
      const { compiled } = await cluster.reconcile();
      const held = async (kind: "RuleSet" | "AddressSet" | "NodePolicy") =>
        (await cluster.api.list(kind)).items.map(({ metadata }) => metadata.name).sort();
      const names = [...compiled.ruleSets, ...compiled.acls].map(({ name }) => name).sort();
      assert.deepEqual(await held("RuleSet"), names);
      assert.deepEqual(await held("AddressSet"), compiled.addressSets.map(({ name }) => name).sort());
      assert.deepEqual(await held("NodePolicy"), compiled.nodePolicies.map(({ node }) => node).sort());
    }),
    { numRuns: 30 },
  );
});
