import assert from "node:assert/strict";
import { test } from "node:test";
import { findKind, kinds } from "./kinds.ts";

test("a kind is found by any of its names", () => {
  for (const word of ["SecurityGroup", "securitygroups", "SECURITYGROUP", "sg"])
    assert.equal(findKind(word)?.kind, "SecurityGroup");
  assert.equal(findKind("nacl")?.kind, "NetworkACL");
  assert.equal(findKind("gs"), undefined);
});

test("no two kinds share a name", () => {
  const names = Object.values(kinds).flatMap(({ singular, plural, shortNames }) => [singular, plural, ...shortNames]);
  assert.equal(new Set(names).size, names.length);
});
