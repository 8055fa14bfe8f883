import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cidrContains, hostCidr } from "../../../semantics/address.ts";
import type { Address, AddressSet, Cidr, GroupKey, Rule, RuleSet, Service } from "../../../semantics/policy.ts";
import { address, cidr, rule, ruleSet } from "../../../semantics/test/rules.ts";
import { compileIdentities } from "./identities.ts";
import { compileAcl, compileRuleSet, type PolicyImage } from "./policy.ts";
import { indexPrefixLists } from "./rules.ts";
import { tableIndex } from "./table.ts";
import { allows, lowestRule, type Question } from "./test/interpreter.ts";

/** Few addresses close to each other, so that random rules often match random packets. */
const addresses = fc
  .tuple(fc.constantFrom("10.0.0.", "10.0.1.", "fd00::", "fd00:0:0:1::"), fc.integer({ min: 0, max: 5 }))
  .map(([net, host]) => address(`${net}${host}`));

const cidrs = fc
  .tuple(addresses, fc.constantFrom(0, 1, 7, 8, 16, 23, 24, 30, 31, 32, 63, 64, 127, 128))
  .map(([host, prefix]) => cidr(`${host}/${host.includes(":") ? prefix : Math.min(prefix, 32)}`));

const groupNames = ["a/a", "a/b", "b/c"] as GroupKey[];
const listNames = ["ones", "twos"];

const sets: fc.Arbitrary<readonly AddressSet[]> = fc
  .tuple(
    fc.array(fc.tuple(fc.subarray(groupNames, { minLength: 1 }), addresses), { maxLength: 8 }),
    fc.array(fc.tuple(fc.constantFrom(...listNames), fc.array(cidrs, { maxLength: 4 })), { maxLength: 3 }),
  )
  .map(([members, lists]) => {
    const ofHost = new Map(members.map(([groups, host]) => [host, groups]));
    return [
      ...[...ofHost].map(([host, groups], i) => ({
        kind: "members" as const,
        name: `members-${i}`,
        groups,
        cidrs: [hostCidr(host)],
      })),
      ...lists.map(([prefixList, content], i) => ({
        kind: "prefixList" as const,
        name: `list-${i}`,
        prefixList,
        cidrs: content,
      })),
    ];
  });

const ports = fc.constantFrom(0, 1, 22, 79, 80, 81, 443, 65_534, 65_535);
const portRanges = fc.tuple(ports, ports).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const icmpMatches = fc.oneof(
  fc.constant({ type: -1, code: -1 }),
  fc.record({ type: fc.constantFrom(0, 3, 8, 128, 255), code: fc.constantFrom(-1, 0, 4, 255) }),
);
const services: fc.Arbitrary<Service> = fc.oneof(
  fc.record({ protocol: fc.constantFrom(6, 17), ports: portRanges }),
  fc.record({ protocol: fc.constantFrom(1, 58), icmp: icmpMatches }),
  fc.record({ protocol: fc.constantFrom(-1, 0, 47, 132, 255) }),
);

const rules: fc.Arbitrary<Rule> = fc.record({
  direction: fc.constantFrom("ingress" as const, "egress" as const),
  service: services,
  peer: fc.oneof(
    cidrs.map((one) => ({ cidr: one })),
    fc.constantFrom(...groupNames, "gone/gone" as GroupKey).map((group) => ({ group })),
    fc.constantFrom(...listNames, "gone").map((prefixList) => ({ prefixList })),
  ),
  origin: fc.constant({ group: "a/a" as GroupKey, rule: 0, peer: 0 }),
});

const questions: fc.Arbitrary<Question> = fc.record({
  direction: fc.constantFrom("ingress" as const, "egress" as const),
  remote: addresses,
  protocol: fc.constantFrom(0, 1, 6, 17, 47, 58, 132, 255),
  value: fc.oneof(
    ports,
    fc.tuple(fc.constantFrom(0, 3, 8, 128, 255), fc.constantFrom(0, 4, 255)).map(([t, c]) => (t << 8) | c),
  ),
});

function serviceMatches(service: Service, { protocol, value, remote }: Question): boolean {
  if (service.protocol === -1) return true;
  if (service.protocol !== protocol) return false;
  if (service.ports !== undefined) return service.ports.from <= value && value <= service.ports.to;
  if (service.icmp === undefined) return true;
  // ICMP in IPv6 and ICMPv6 in IPv4 are no ICMP to anybody, and no rule speaks of them but by `all`.
  if (protocol !== (remote.includes(":") ? 58 : 1)) return false;
  const { type, code } = service.icmp;
  return (type === -1 || type === value >> 8) && (code === -1 || code === (value & 0xff));
}

function peerContains(peer: Rule["peer"], remote: Address, all: readonly AddressSet[]): boolean {
  const contains = (list: readonly Cidr[]) => list.some((one) => cidrContains(one, remote));
  if ("cidr" in peer) return contains([peer.cidr]);
  return all.some((set) => {
    if ("group" in peer) return set.kind === "members" && set.groups.includes(peer.group) && contains(set.cidrs);
    return set.kind === "prefixList" && set.prefixList === peer.prefixList && contains(set.cidrs);
  });
}

/** Index of the first rule that matches, rule by rule. */
function firstMatch(all: readonly Rule[], question: Question, known: readonly AddressSet[]): number | undefined {
  const index = all.findIndex(
    (one) =>
      one.direction === question.direction &&
      serviceMatches(one.service, question) &&
      peerContains(one.peer, question.remote, known),
  );
  return index < 0 ? undefined : index;
}

function setOf(list: readonly Rule[]): RuleSet {
  return { name: "random", revision: "1", groups: groupNames, rules: list };
}

/** The rule by its place in the rule set that a compiled policy finds first. */
function sourceFound(image: PolicyImage, question: Question, identity: number | undefined): number | undefined {
  const bit = lowestRule(image, question, identity);
  const wanted = tableIndex(question.direction, question.remote.includes(":") ? 6 : 4);
  const table = image.tables.find(({ direction, family }) => tableIndex(direction, family) === wanted);
  return bit === undefined ? undefined : table?.rules[bit]?.source;
}

test("S-1, S-2, S-3: a compiled rule set finds the first rule that a plain search finds", () => {
  fc.assert(
    fc.property(
      fc.array(rules, { maxLength: 80 }),
      sets,
      fc.array(questions, { minLength: 20, maxLength: 20 }),
      (list, known, asked) => {
        const identities = compileIdentities(known, new Map());
        const image = compileRuleSet(setOf(list), [], indexPrefixLists(known), identities.combinations);
        for (const question of asked) {
          const identity = identities.addresses.get(hostCidr(question.remote));
          assert.equal(sourceFound(image, question, identity), firstMatch(list, question, known));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("S-80: a compiled ACL finds the lowest number, whatever the order of the list, and knows what it says", () => {
  const aclRules = fc.uniqueArray(
    fc.record({
      direction: fc.constantFrom("ingress" as const, "egress" as const),
      number: fc.integer({ min: 1, max: 32_766 }),
      action: fc.constantFrom("allow" as const, "deny" as const),
      service: services,
      cidr: cidrs,
    }),
    { selector: ({ number }) => number, maxLength: 20 },
  );
  fc.assert(
    fc.property(aclRules, fc.array(questions, { minLength: 20, maxLength: 20 }), (list, asked) => {
      const acl = { name: "acl", revision: "1", namespace: "ns", rules: list };
      const image = compileAcl(acl, new Map());
      const ordered = [...list].sort((a, b) => a.number - b.number);
      for (const question of asked) {
        const first = ordered.find(
          (one) =>
            one.direction === question.direction &&
            serviceMatches(one.service, question) &&
            cidrContains(one.cidr, question.remote),
        );
        assert.equal(sourceFound(image, question, undefined), first && list.indexOf(first));
        const bit = lowestRule(image, question);
        assert.equal(bit !== undefined && allows(image, question, bit), first?.action === "allow");
      }
    }),
    { numRuns: 100 },
  );
});

test("S-83: pods of the ACL's own namespace come before every numbered rule", () => {
  const neighbour = address("10.0.0.1");
  const own: AddressSet = { kind: "namespace", name: "ns-pods", namespace: "ns", cidrs: [hostCidr(neighbour)] };
  const { addresses: known, combinations } = compileIdentities([own], new Map());
  const deny = {
    direction: "ingress" as const,
    number: 1,
    action: "deny" as const,
    service: { protocol: -1 },
    cidr: cidr("0.0.0.0/0"),
  };
  const image = compileAcl({ name: "acl", revision: "1", namespace: "ns", rules: [deny] }, combinations);
  const ask = (remote: Address) =>
    lowestRule(image, { direction: "ingress", remote, protocol: 6, value: 80 }, known.get(hostCidr(remote)));
  const table = image.tables.find(({ direction, family }) => direction === "ingress" && family === 4);
  assert.deepEqual(table?.rules[ask(neighbour) ?? -1], {
    direction: "ingress",
    service: { protocol: -1 },
    cidrs: [],
    label: table?.rules[0]?.label,
    families: [4, 6],
    allow: true,
  });
  assert.equal(table?.rules[ask(address("10.0.0.2")) ?? -1]?.source, 0);
});

test("S-15: a table of more rules than the datapath holds is refused by count, direction, family and quota", () => {
  const many = Array.from({ length: 1025 }, (_, i) => `in tcp ${i} from 10.0.0.0/8`);
  assert.throws(
    () => compileRuleSet(ruleSet(many), [], new Map(), new Map()),
    /1025 ingress rules for IPv4, at most 1024: .*S-15/,
  );
  assert.doesNotThrow(() => compileRuleSet(ruleSet(many.slice(1)), [], new Map(), new Map()));
});

test("S-15: a thousand rules with a thousand port ranges are told apart to the last one", () => {
  const list = Array.from({ length: 1000 }, (_, i) => rule(`in tcp ${i * 60 + 1}-${i * 60 + 30} from 10.0.0.0/8`));
  const image = compileRuleSet(setOf(list), [], new Map(), new Map());
  const ask = (value: number) =>
    lowestRule(image, { direction: "ingress", remote: address("10.9.9.9"), protocol: 6, value });
  assert.deepEqual(
    [ask(0), ask(1), ask(30), ask(31), ask(59_941), ask(59_970), ask(59_971)],
    [...[undefined, 0, 0, undefined, 999, 999, undefined]],
  );
});

test("S-12: a rule whose group or prefix list does not exist matches nothing, and the next one does", () => {
  const list = ["in all from sg:gone/gone", "in all from pl:gone", "in all from 10.0.0.0/8"].map(rule);
  const image = compileRuleSet(setOf(list), [], new Map(), new Map());
  assert.equal(
    sourceFound(image, { direction: "ingress", remote: address("10.0.0.1"), protocol: 6, value: 1 }, undefined),
    2,
  );
});
