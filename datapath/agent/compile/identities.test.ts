import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressSet, GroupKey } from "../../../semantics/policy.ts";
import { cidr } from "../../../semantics/test/rules.ts";
import { combinationKey, compileIdentities, type Identities } from "./identities.ts";
import { groupLabel, namespaceLabel } from "./rules.ts";

function members(groups: string, ...cidrs: string[]): AddressSet {
  return { kind: "members", name: groups, groups: groups.split(" ") as GroupKey[], cidrs: cidrs.map(cidr) };
}

const [one, two, three] = ["10.0.0.1/32", "10.0.0.2/32", "fd00::3/128"].map(cidr);

function numbersOf({ combinations }: Identities): ReadonlyMap<string, number> {
  return new Map([...combinations].map(([number, labels]) => [combinationKey(labels), number]));
}

test("addresses of the same groups have one identity, others their own", () => {
  const { addresses, combinations } = compileIdentities(
    [members("a/a", "10.0.0.1/32"), members("a/a a/b", "10.0.0.2/32"), members("a/a", "fd00::3/128")],
    new Map(),
  );
  assert.equal(addresses.get(one as never), addresses.get(three as never));
  assert.notEqual(addresses.get(one as never), addresses.get(two as never));
  assert.deepEqual(combinations.get(addresses.get(two as never) ?? 0), new Set(["a/a", "a/b"].map(groupLabel)));
});

test("groups and namespaces of an address make one combination, in whatever order they come", () => {
  const namespace: AddressSet = { kind: "namespace", name: "n", namespace: "n", cidrs: [cidr("10.0.0.1/32")] };
  const group = members("a/a", "10.0.0.1/32");
  const keys = [
    [namespace, group],
    [group, namespace],
  ].map((sets) => [...numbersOf(compileIdentities(sets, new Map())).keys()]);
  assert.deepEqual(keys[0], keys[1]);
  assert.deepEqual(keys[0], [combinationKey(new Set([groupLabel("a/a"), namespaceLabel("n")]))]);
});

test("prefix lists are no identities", () => {
  const list: AddressSet = { kind: "prefixList", name: "l", prefixList: "l", cidrs: [cidr("10.0.0.0/8")] };
  assert.equal(compileIdentities([list], new Map()).addresses.size, 0);
});

test("a combination keeps its number whatever comes and goes around it, and no other gets it meanwhile", () => {
  const first = compileIdentities([members("a/a", "10.0.0.1/32"), members("a/b", "10.0.0.2/32")], new Map());
  const kept = first.addresses.get(two as never);
  const second = compileIdentities([members("a/c", "fd00::3/128"), members("a/b", "10.0.0.2/32")], numbersOf(first));
  assert.equal(second.addresses.get(two as never), kept);
  const fresh = second.addresses.get(three as never) ?? 0;
  assert.ok(![...first.addresses.values()].includes(fresh));
});

test("no identity has number 0, which stands for none", () => {
  assert.ok(![...compileIdentities([members("a/a", "10.0.0.1/32")], new Map()).addresses.values()].includes(0));
});

test("a member that is a network is refused by set and CIDR", () => {
  assert.throws(
    () => compileIdentities([members("a/a", "10.0.0.0/24")], new Map()),
    /AddressSet a\/a: 10\.0\.0\.0\/24 is no single address/,
  );
});
