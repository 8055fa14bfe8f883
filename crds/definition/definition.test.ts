import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { z } from "zod";
import { type Definition, definitions } from "./definition.ts";
import { type Schema, structural } from "./structural.ts";

/** Every schema inside one, with its path. */
function* fields(schema: Schema, path: string): Generator<readonly [string, Schema]> {
  yield [path, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* fields(field, `${path}.${name}`);
  if (schema.items) yield* fields(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object") yield* fields(schema.additionalProperties, `${path}{}`);
}

/** The schemas of what a kind's objects hold, without what every object has. */
function contentsOf({ spec }: Definition): readonly (readonly [string, Schema])[] {
  const { versions } = spec as { readonly versions: readonly { readonly schema: { openAPIV3Schema: Schema } }[] };
  return Object.entries(versions[0]?.schema.openAPIV3Schema.properties ?? {})
    .filter(([name]) => name === "spec" || name === "status")
    .flatMap(([name, schema]) => [...fields(schema, name)]);
}

const isText = (schema: Schema): boolean => schema.type === "string" || schema["x-kubernetes-int-or-string"] === true;

const isBounded = (schema: Schema): boolean =>
  (!isText(schema) || schema.maxLength !== undefined || schema.enum !== undefined) &&
  (schema.type !== "array" || schema.maxItems !== undefined) &&
  (schema.type !== "object" || schema.properties !== undefined || schema.maxProperties !== undefined);

const all = definitions();

test("there is one definition for each of the nine kinds", () => {
  const names = all.map(({ metadata }) => metadata.name);
  assert.equal(new Set(names).size, 9);
  assert.equal(names.filter((name) => name.endsWith(".node.sallyport.dev")).length, 4);
});

for (const definition of all)
  describe(definition.metadata.name, () => {
    const contents = contentsOf(definition);

    test("every field is documented", () => {
      const bare = contents.filter(([path, field]) => !/[\]}]$/.test(path) && !field.description);
      assert.deepEqual(
        bare.map(([path]) => path),
        [],
      );
    });

    test("every text, list and map is bounded", () => {
      const unbounded = contents.filter(([, field]) => !isBounded(field));
      assert.deepEqual(
        unbounded.map(([path]) => path),
        [],
      );
    });

    test("every list says who owns it, and a keyed list has its keys", () => {
      const wrong = contents.filter(([, field]) => {
        const keys = (field["x-kubernetes-list-map-keys"] ?? []) as readonly string[];
        const keyed = field["x-kubernetes-list-type"] === "map";
        return (
          field.type === "array" &&
          (field["x-kubernetes-list-type"] === undefined ||
            keyed !== keys.length > 0 ||
            keys.some((key) => !field.items?.required?.includes(key)))
        );
      });
      assert.deepEqual(
        wrong.map(([path]) => path),
        [],
      );
    });

    test("every rule has a message with a remedy", () => {
      const rules = contents.flatMap(([path, field]) =>
        (field["x-kubernetes-validations"] ?? []).map((rule) => ({ path, ...(rule as { message?: string }) })),
      );
      assert.deepEqual(
        rules.filter(({ message }) => !message?.includes("; ")),
        [],
      );
    });
  });

describe("a schema becomes structural", () => {
  test("without bounds that are only those of a double", () => {
    assert.deepEqual(structural(z.int()), { type: "integer" });
    assert.deepEqual(structural(z.int().min(1)), { type: "integer", minimum: 1 });
  });

  test("without defaults that say nothing", () => {
    const inner = z.strictObject({ a: z.int().min(0).max(9).default(5) });
    const outer = structural(
      z.strictObject({ list: z.array(z.boolean()).max(3).default([]), inner: inner.prefault({}) }),
    );
    assert.equal(outer.properties?.["list"]?.default, undefined);
    assert.deepEqual(outer.properties?.["inner"]?.default, {});
  });

  test("with one form for a number or text", () => {
    const either = z.union([z.number(), z.string().max(5)]).meta({ "x-kubernetes-int-or-string": true });
    assert.deepEqual(structural(either), { "x-kubernetes-int-or-string": true, maxLength: 5 });
    const unbounded = z.union([z.number(), z.string()]).meta({ "x-kubernetes-int-or-string": true });
    assert.throws(() => structural(unbounded), /without a bound/);
  });

  test("with patterns that Go reads", () => {
    assert.equal(
      structural(
        z
          .string()
          .max(9)
          .regex(/^(?:a\/)?b$/),
      ).pattern,
      "^(a/)?b$",
    );
  });

  test("with closed objects, whose unknown fields the API server finds by itself", () => {
    assert.deepEqual(structural(z.strictObject({ a: z.boolean() })), {
      type: "object",
      required: ["a"],
      properties: { a: { type: "boolean" } },
    });
  });
});
