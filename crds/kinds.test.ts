import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { z } from "zod";
import { findKind, kinds } from "./kinds.ts";

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly enum?: readonly unknown[];
}

function* fields(schema: JsonSchema, path: string): Generator<readonly [string, JsonSchema]> {
  yield [path, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* fields(field, `${path}.${name}`);
  if (schema.items) yield* fields(schema.items, `${path}[]`);
}

const ours = Object.values(kinds).filter(({ strict }) => strict);

describe("schemas can become CRDs", () => {
  for (const { kind, schema } of ours) {
    const json = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }) as JsonSchema;
    const { spec = assert.fail() } = json.properties ?? {};
    const all = [...fields(spec, "spec")];

    test(`${kind}: every field is documented`, () => {
      const bare = all.filter(([path, field]) => !path.endsWith("[]") && !field.description).map(([path]) => path);
      assert.deepEqual(bare, []);
    });

    test(`${kind}: every text, list and map is bounded`, () => {
      const bounded = ({ type, properties, ...field }: JsonSchema) =>
        (type !== "string" || field.maxLength !== undefined || field.enum !== undefined) &&
        (type !== "array" || field.maxItems !== undefined) &&
        (type !== "object" || properties !== undefined || field.maxProperties !== undefined);
      const unbounded = all.filter(([, field]) => ![field, ...(field.anyOf ?? [])].every(bounded));
      assert.deepEqual(
        unbounded.map(([path]) => path),
        [],
      );
    });
  }
});

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
