import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AddressSet, Cidr } from "../../semantics/policy.ts";
import type { ApiObject, StoredObject } from "../ports.ts";
import type { CompiledChanges } from "./apply.ts";
import { postponeMembers } from "./postpone.ts";

const members = (name: string, addresses: readonly string[], of: "groups" | "namespace" = "groups"): AddressSet => {
  const cidrs = addresses as readonly Cidr[];
  return of === "groups"
    ? { kind: "members", name, groups: [], cidrs }
    : { kind: "namespace", name, namespace: "default", cidrs };
};

const written = (spec: AddressSet): ApiObject => ({
  apiVersion: "node.sallyport.dev/v1alpha1",
  kind: "AddressSet",
  metadata: { name: spec.name },
  spec,
});

const stored = (spec: AddressSet): StoredObject => {
  const { metadata, ...content } = written(spec);
  return {
    ...content,
    metadata: { ...metadata, uid: "u", resourceVersion: "1", generation: 1, creationTimestamp: "" },
  };
};

const removal = (name: string) => ({ ref: { kind: "AddressSet", name } as const, uid: "u" });

const changesOf = (...writes: readonly ApiObject[]): CompiledChanges => ({ writes, losing: new Set(), removals: [] });

const waiting = (changes: CompiledChanges, before: readonly AddressSet[], ...recent: readonly string[]) =>
  [...postponeMembers(changes, before.map(stored), new Set(recent)).waiting].sort();

const policy: ApiObject = { apiVersion: "", kind: "NodePolicy", metadata: { name: "a" }, spec: {} };
const ruleSet: ApiObject = { apiVersion: "", kind: "RuleSet", metadata: { name: "r" }, spec: {} };

test("a set that was written just now waits; all other writes, also of objects of its name, go", () => {
  const before = [members("a", ["1"]), members("b", ["2"], "namespace")];
  const changes = changesOf(written(members("a", ["1", "3"])), written(members("b", [], "namespace")), policy);
  const paced = postponeMembers(changes, before.map(stored), new Set(["a", "b"]));
  assert.deepEqual([...paced.waiting], ["a", "b"]);
  assert.deepEqual(paced.now, { writes: [policy], losing: new Set(), removals: [] });
  assert.deepEqual(waiting(changes, before, "b"), ["b"]);
});

test("a set that loses an address waits for the one that gains it, and whoever waits for that", () => {
  const before = [members("a", ["1"]), members("b", ["2"]), members("c", ["3"]), members("d", ["4"])];
  const changes: CompiledChanges = {
    writes: [members("a", ["1", "2"]), members("b", ["3"]), members("d", ["4", "5"])].map(written),
    losing: new Set<string>(),
    removals: [removal("c")],
  };
  assert.deepEqual(waiting(changes, before, "a"), ["a", "b", "c"]);
  assert.deepEqual(waiting(changes, before, "b"), ["b", "c"], "who gains does not wait for who loses");
  assert.deepEqual(waiting(changes, before, "c"), ["c"]);
});

test("a set that is new waits for nothing: rules may refer to it already", () => {
  assert.deepEqual(waiting(changesOf(written(members("a", ["1"]))), [], "a"), []);
});

test("prefix lists and Services are as urgent as rules", () => {
  const listed = (...cidrs: readonly Cidr[]): AddressSet => ({
    kind: "prefixList",
    name: "l",
    prefixList: "offices",
    cidrs,
  });
  assert.deepEqual(waiting(changesOf(written(listed())), [listed("10.0.0.0/8" as Cidr)], "l"), []);
});

test("where rules change nothing waits, so that they find the members that they were written for", () => {
  const changes = changesOf(written(members("a", ["1", "2"])), ruleSet);
  assert.deepEqual(waiting(changes, [members("a", ["1"])], "a"), []);
});

test("whatever moves and whatever waits, an address that is in some set before and after is never in none", () => {
  const names = ["a", "b", "c", "d"];
  const address = fc.constantFrom("1", "2", "3", "4", "5", "6");
  const layout = fc.uniqueArray(fc.tuple(address, fc.constantFrom(...names)), {
    selector: ([one]) => one,
    minLength: 3,
  });
  const setsOf = (places: readonly (readonly [string, string])[]): readonly AddressSet[] =>
    [...Map.groupBy(places, ([, name]) => name)].map(([name, own]) =>
      members(
        name,
        own.map(([one]) => one),
      ),
    );
  fc.assert(
    fc.property(layout, layout, fc.subarray(names), (places, next, recent) => {
      const [before, after] = [setsOf(places), setsOf(next)];
      const gone = before.filter(({ name }) => !after.some((set) => set.name === name));
      const changes = {
        writes: after.map(written),
        losing: new Set<string>(),
        removals: gone.map(({ name }) => removal(name)),
      };
      const { now } = postponeMembers(changes, before.map(stored), new Set(recent));
      const meanwhile = new Map(before.map((set) => [set.name, set]));
      for (const { spec } of now.writes) meanwhile.set((spec as AddressSet).name, spec as AddressSet);
      for (const { ref } of now.removals) meanwhile.delete(ref.name);
      const there = new Set([...meanwhile.values()].flatMap((set) => (set.kind === "service" ? [] : set.cidrs)));
      const kept = places.map(([one]) => one).filter((one) => next.some(([other]) => other === one));
      for (const one of kept) assert.ok(there.has(one as Cidr), `${one} is in no set`);
    }),
    { numRuns: 500 },
  );
});
