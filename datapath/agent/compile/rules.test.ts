import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressSet } from "../../../semantics/policy.ts";
import { cidr, ruleSet } from "../../../semantics/test/rules.ts";
import { groupLabel, indexPrefixLists, namespaceLabel, rulesOfAcl, rulesOfRuleSet } from "./rules.ts";

function list(name: string, prefixList: string, ...cidrs: string[]): AddressSet {
  return { kind: "prefixList", name, prefixList, cidrs: cidrs.map(cidr) };
}

test("S-14: the slices of a prefix list are one list", () => {
  const lists = indexPrefixLists([list("a-0", "a", "10.0.0.0/8"), list("b-0", "b"), list("a-1", "a", "10.0.0.1/32")]);
  assert.deepEqual(
    [...lists],
    [
      ["a", ["10.0.0.0/8", "10.0.0.1/32"]],
      ["b", []],
    ],
  );
});

test("S-3: each kind of peer becomes CIDRs or a label, with the families in which it can match", () => {
  const lists = indexPrefixLists([list("l-0", "l", "2001:db8::/32")]);
  const rules = rulesOfRuleSet(
    ruleSet(["in all from 10.0.0.0/8", "in all from pl:l", "in all from sg:a/b", "in all from pl:gone"]),
    lists,
  );
  assert.deepEqual(
    rules.map(({ cidrs, label, families, source, allow }) => ({ cidrs, label, families, source, allow })),
    [
      { cidrs: ["10.0.0.0/8"], label: undefined, families: [4], source: 0, allow: true },
      { cidrs: ["2001:db8::/32"], label: undefined, families: [6], source: 1, allow: true },
      { cidrs: [], label: groupLabel("a/b"), families: [4, 6], source: 2, allow: true },
      { cidrs: [], label: undefined, families: [], source: 3, allow: true },
    ],
  );
});

test("S-80, S-83: an ACL's rules come by number, behind those for the namespace's own pods", () => {
  const rule = (number: number, action: "allow" | "deny") => ({
    direction: "ingress" as const,
    number,
    action,
    service: { protocol: -1 },
    cidr: cidr("10.0.0.0/8"),
  });
  const rules = rulesOfAcl({
    name: "acl",
    revision: "1",
    namespace: "ns",
    rules: [rule(200, "deny"), rule(100, "allow")],
  });
  assert.deepEqual(
    rules.map(({ direction, label, allow, source }) => [direction, label, allow, source]),
    [
      ["ingress", namespaceLabel("ns"), true, undefined],
      ["egress", namespaceLabel("ns"), true, undefined],
      ["ingress", undefined, true, 1],
      ["ingress", undefined, false, 0],
    ],
  );
});

test("a group and a namespace of one name are not one label", () => {
  assert.notEqual(groupLabel("a"), namespaceLabel("a"));
});
