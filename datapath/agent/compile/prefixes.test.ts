import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cidrContains } from "../../../semantics/address.ts";
import type { Address, Direction } from "../../../semantics/policy.ts";
import { address, cidr } from "../../../semantics/test/rules.ts";
import { constants } from "../abi.generated.ts";
import { compilePrefixes, type PrefixRule } from "./prefixes.ts";
import { makeRow, type Row, RowPool } from "./rows.ts";
import { longestPrefix } from "./test/interpreter.ts";

/** Rules of one direction for an address: the row of the longest prefix, or the empty one. */
function rulesFor(rules: readonly PrefixRule[], remote: Address, direction: Direction): Row {
  const pool = new RowPool();
  const value = longestPrefix(compilePrefixes(rules, pool), remote);
  const index = direction === "egress" ? constants.DIRECTION_EGRESS : constants.DIRECTION_INGRESS;
  const row = value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint16(2 * index, true);
  return pool.rows()[row] ?? assert.fail(`no row ${row}`);
}

test("a nested prefix has its own rules and those of all that cover it", () => {
  const texts = ["0.0.0.0/0", "10.0.0.0/8", "10.1.1.0/24", "10.2.0.0/16"];
  const rules = texts.map((text, rule) => ({ rule, cidr: cidr(text), direction: "ingress" as const }));
  const rulesOf = (text: string) => rulesFor(rules.toReversed(), address(text), "ingress");
  assert.deepEqual(
    ["10.1.1.9", "10.1.2.9", "10.2.0.1", "11.0.0.0"].map(rulesOf),
    [[0, 1, 2], [0, 1], [0, 1, 3], [0]].map(makeRow),
  );
});

test("the directions of one prefix are independent", () => {
  const rules = [
    { rule: 0, cidr: cidr("10.0.0.0/8"), direction: "ingress" as const },
    { rule: 4, cidr: cidr("10.0.0.0/8"), direction: "egress" as const },
  ];
  assert.deepEqual(rulesFor(rules, address("10.0.0.1"), "ingress"), makeRow([0]));
  assert.deepEqual(rulesFor(rules, address("10.0.0.1"), "egress"), makeRow([4]));
});

test("S-8: a family's prefix never answers for the other, not even /0", () => {
  const rules = [{ rule: 0, cidr: cidr("0.0.0.0/0"), direction: "ingress" as const }];
  assert.deepEqual(rulesFor(rules, address("::"), "ingress"), makeRow());
  assert.deepEqual(rulesFor(rules, address("255.255.255.255"), "ingress"), makeRow([0]));
});

test("the longest prefix's row is the rules of every CIDR that holds the address", () => {
  const hosts = fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 255 }), fc.boolean())
    .map(([net, host, v6]) => address(v6 ? `2001:db8:${net}::${host.toString(16)}` : `10.${net}.0.${host}`));
  const rules = fc.array(
    fc.record({
      rule: fc.integer({ min: 0, max: 200 }),
      direction: fc.constantFrom("ingress" as const, "egress" as const),
      cidr: fc
        .tuple(hosts, fc.integer({ min: 0, max: 128 }))
        .map(([host, prefix]) => cidr(`${host}/${host.includes(":") ? prefix : prefix >> 2}`)),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(rules, fc.array(hosts, { maxLength: 10 }), (all, asked) => {
      for (const remote of asked) {
        const ofFamily = all.filter((one) => one.cidr.includes(":") === remote.includes(":"));
        for (const direction of ["ingress", "egress"] as const) {
          const holding = ofFamily.filter((one) => one.direction === direction && cidrContains(one.cidr, remote));
          const wanted = makeRow(holding.map(({ rule }) => rule));
          assert.deepEqual(rulesFor(ofFamily, remote, direction), wanted);
        }
      }
    }),
  );
});
