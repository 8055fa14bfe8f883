import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostCidr, parseAddress } from "../../semantics/address.ts";
import type { Cidr } from "../../semantics/policy.ts";
import { cutSlices, type Slices, sliceSize } from "./slices.ts";

/** The two addresses of member number `n`. */
function memberOf(n: number): readonly Cidr[] {
  return [`10.244.${n >> 8}.${n & 255}`, `fd00:244::${n.toString(16)}`].map((text) => {
    const parsed = parseAddress(text);
    if (!parsed.ok) throw new TypeError(parsed.problem);
    return hostCidr(parsed.value);
  });
}

const places = (slices: Slices): ReadonlyMap<Cidr, number> =>
  new Map([...slices].flatMap(([index, cidrs]) => cidrs.map((cidr): [Cidr, number] => [cidr, index])));

const cut = (numbers: ReadonlySet<number>, existing: Slices): Slices => cutSlices([...numbers].map(memberOf), existing);

const numberSet = fc.uniqueArray(fc.nat(400), { maxLength: 300, size: "max" }).map((numbers) => new Set(numbers));

test("slices hold each address once, at most 100 of them, and no slice is empty", () => {
  fc.assert(
    fc.property(numberSet, numberSet, (before, after) => {
      const slices = cut(after, cut(before, new Map()));
      const all = [...slices.values()].flat();
      assert.deepEqual(all.sort(), [...after].flatMap(memberOf).sort());
      for (const cidrs of slices.values()) assert.ok(cidrs.length > 0 && cidrs.length <= sliceSize);
    }),
  );
});

test("who stays in a set stays in its slice", () => {
  fc.assert(
    fc.property(numberSet, numberSet, (before, after) => {
      const first = places(cut(before, new Map()));
      const second = places(cut(after, cut(before, new Map())));
      for (const [cidr, index] of second) if (first.has(cidr)) assert.equal(index, first.get(cidr));
    }),
  );
});

test("a member that comes or goes changes one slice", () => {
  fc.assert(
    fc.property(numberSet, fc.nat(400), (numbers, one) => {
      const before = cut(numbers, new Map());
      const others = new Set([...numbers].filter((number) => number !== one));
      const after = cut(numbers.has(one) ? others : new Set([...numbers, one]), before);
      const indexes = new Set([...before.keys(), ...after.keys()]);
      const changed = [...indexes].filter((index) => String(before.get(index)) !== String(after.get(index)));
      assert.equal(changed.length, 1);
    }),
  );
});
