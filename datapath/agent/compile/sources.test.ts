import assert from "node:assert/strict";
import { test } from "node:test";
import type { AclRule, AclSet, Cidr } from "../../../semantics/policy.ts";
import { cidr, ruleSet, service } from "../../../semantics/test/rules.ts";
import type { Combinations } from "./policy.ts";
import { groupLabel, type Label, namespaceLabel, type PrefixLists } from "./rules.ts";
import { PolicySources } from "./sources.ts";

const rules = ["in tcp 80 from 10.0.0.0/8", "in tcp 443 from sg:a/b", "out all to pl:list"];
const set = ruleSet(rules, "web");
const lists: PrefixLists = new Map([["list", [cidr("192.0.2.0/24")]]]);
const combinations: Combinations = new Map([
  [1, new Set([groupLabel("a/b")])],
  [2, new Set([groupLabel("c/d")])],
]);
const ports = "6/80";

const digest = (of = set, tracked = ports, known = lists, among = combinations) =>
  new PolicySources(known, among).ofRuleSet(of, tracked);

function withCombination(number: number, ...labels: Label[]): Combinations {
  return new Map([...combinations, [number, new Set(labels)] as const]);
}

test("what a rule set is compiled from has one digest, however often and beside whatever it is asked for", () => {
  assert.equal(digest(), digest(structuredClone(set)));
  assert.equal(digest(set, ports, new Map([...lists, ["other", [] as Cidr[]]])), digest());
  assert.equal(digest(set, ports, lists, withCombination(3, groupLabel("e/f"))), digest());
});

test("a rule set has another digest when anything that it is compiled from changes", () => {
  const changed = [
    digest(),
    digest(ruleSet(["in tcp 81 from 10.0.0.0/8", ...rules.slice(1)], "web")),
    digest({ ...set, rules: ruleSet(rules.toReversed()).rules }),
    digest(set, "17/53"),
    digest(set, ports, new Map([["list", [cidr("192.0.2.0/25")]]])),
    digest(set, ports, new Map()),
    digest(set, ports, lists, withCombination(3, groupLabel("a/b"))),
    digest(set, ports, lists, withCombination(1, groupLabel("c/d"))),
    digest(set, ports, lists, new Map([[4, new Set([groupLabel("a/b")])]])),
  ];
  assert.equal(new Set(changed).size, changed.length);
});

test("an ACL's digest follows its rules, and the combinations that its namespace's pods have", () => {
  const allow: AclRule = {
    direction: "ingress",
    number: 1,
    action: "allow",
    service: service("tcp 80"),
    cidr: cidr("10.0.0.0/8"),
  };
  const acl: AclSet = { name: "ns", revision: "1", namespace: "ns", rules: [allow] };
  const of = (one: AclSet, among = combinations) => new PolicySources(lists, among).ofAcl(one);
  assert.equal(of(acl, withCombination(3, groupLabel("e/f"))), of(acl));
  const changed = [
    of(acl),
    of({ ...acl, rules: [{ ...allow, action: "deny" }] }),
    of(acl, withCombination(3, namespaceLabel("ns"))),
  ];
  assert.equal(new Set(changed).size, changed.length);
});
