import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { casesOf, corpusKinds, objectOf } from "./corpus/cases.ts";
import { type PathPart, valueAt } from "./problem.ts";
import { validateObject } from "./validation.ts";
import { apiVersion } from "./version.ts";

const objects = corpusKinds.flatMap((kind) => casesOf(kind).map((entry) => ({ kind, ...objectOf(kind, entry) })));

function pathsOf(value: unknown, path: readonly PathPart[] = []): readonly (readonly PathPart[])[] {
  if (typeof value !== "object" || value === null) return [path];
  const parts = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...parts.flatMap((part) => pathsOf(valueAt(value, [part]), [...path, part]))];
}

/** A copy of the object with something else at one place. */
function replaced(object: object, path: readonly PathPart[], value: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const copy = structuredClone(object);
  const parent = valueAt(copy, path.slice(0, -1)) as Record<PathPart, unknown>;
  parent[last] = value;
  return copy;
}

test("whatever stands anywhere in an object: it is accepted or explained, and nothing is thrown", () => {
  const damaged = fc.tuple(fc.constantFrom(...objects), fc.nat(), fc.jsonValue()).map(([object, nth, value]) => {
    const paths = pathsOf(object);
    return replaced(object, paths[nth % paths.length] ?? [], value);
  });
  fc.assert(
    fc.property(damaged, (object) => {
      const validation = validateObject(object);
      if (validation.ok) return;
      assert.ok(validation.problems.length > 0);
      for (const { message, remedy } of validation.problems) {
        assert.doesNotMatch(`${message} ${remedy}`, /invalid input|undefined|\[object/i);
        assert.notEqual(remedy, "correct the value");
      }
    }),
    { numRuns: 2000 },
  );
});

test("a parsed object does not share anything with what it was read from", () => {
  const source = objects.find(({ kind }) => kind === "AllowanceProfile");
  const before = structuredClone(source);
  validateObject(source);
  assert.deepEqual(source, before);
});

/** The one problem of an object, as `field: message; remedy`. */
function problemOf(kind: string, spec: object): string {
  const validation = validateObject({ apiVersion, kind, metadata: { name: "x" }, spec });
  assert.ok(!validation.ok, "was accepted");
  return validation.problems.map(({ field, message, remedy }) => `${field}: ${message}; ${remedy}`).join("\n");
}

const aclRules = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    action: "allow",
    protocol: "all",
    cidr: "0.0.0.0/0",
  }));

test("a network ACL has at most 40 rules per direction (S-86)", () => {
  assert.equal(
    problemOf("NetworkACL", { outbound: aclRules(40), inbound: aclRules(41) }),
    "spec.inbound: has too many entries; list at most 40",
  );
});

test("a prefix list has at most 1,000 entries (S-14)", () => {
  const entries = Array.from({ length: 1001 }, (_, index) => ({ cidr: `10.${index >> 8}.${index & 255}.0/24` }));
  assert.match(
    problemOf("PrefixList", { addressFamily: "IPv4", maxEntries: 1000, entries }),
    /spec\.entries: has too many entries; list at most 1000/,
  );
});
