import { z } from "zod";
import { celMatches, goPattern, twin } from "../cel.ts";
import { type TextForm, textForms } from "../text.ts";

/** The part of JSON Schema that zod writes and structural schemas know. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly enum?: readonly unknown[];
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-validations"?: readonly unknown[];
  readonly [keyword: string]: unknown;
}

type Mending = (schema: Schema) => Schema;

function without(schema: Schema, ...keywords: readonly string[]): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !keywords.includes(keyword)));
}

/** Unknown fields are refused by kubectl's strict validation and pruned without it; the keyword is not allowed. */
const closedObject: Mending = (schema) =>
  schema.additionalProperties === false ? without(schema, "additionalProperties") : schema;

/** Keys of maps can't be described; a rule in CEL judges them. */
const keysOfMaps: Mending = (schema) => without(schema, "propertyNames", "$schema", "id");

/** Zod bounds every integer by what a double holds exactly. */
const boundsOfDoubles: Mending = (schema) => {
  const low = schema.minimum === Number.MIN_SAFE_INTEGER ? ["minimum"] : [];
  const high = schema.maximum === Number.MAX_SAFE_INTEGER ? ["maximum"] : [];
  return without(schema, ...low, ...high);
};

/** Zod calls a choice of whole numbers a number. */
const wholeChoices: Mending = (schema) =>
  schema.type === "number" && schema.enum?.every(Number.isInteger) ? { ...schema, type: "integer" } : schema;

/** An empty default says what a missing field says, and would stand in every stored object. */
const emptyDefault: Mending = (schema) => {
  const given = schema.default;
  const emptyList = Array.isArray(given) && given.length === 0;
  const hasInnerDefaults = Object.values(schema.properties ?? {}).some((field) => field.default !== undefined);
  const emptyObject = JSON.stringify(given) === "{}" && !hasInnerDefaults;
  return emptyList || emptyObject ? without(schema, "default") : schema;
};

/** A number or text is the one union that structural schemas have; written out, it would double every message. */
const intOrString: Mending = (schema) => {
  if (schema["x-kubernetes-int-or-string"] !== true) return schema;
  const maxLength = schema.anyOf?.find(({ type }) => type === "string")?.maxLength;
  if (maxLength === undefined) throw new TypeError("an int-or-string without a bound on its text");
  return { ...without(schema, "anyOf"), maxLength };
};

const spoken: readonly TextForm[] = Object.values<TextForm>(textForms).filter(({ celTwin }) => celTwin === true);

/** A form of text that is to be refused in our words. */
const patternInWords: Mending = (schema) => {
  const form = spoken.find(({ pattern }) => pattern.source === schema.pattern);
  if (form === undefined) return schema;
  const rule = twin(celMatches("self", form.pattern), form);
  return {
    ...without(schema, "pattern"),
    "x-kubernetes-validations": [...(schema["x-kubernetes-validations"] ?? []), rule],
  };
};

const patternOfGo: Mending = (schema) =>
  schema.pattern === undefined ? schema : { ...schema, pattern: goPattern(new RegExp(schema.pattern)) };

/** Who applies a list owns the whole of it, unless its entries have a key. */
const ownedLists: Mending = (schema) =>
  schema.type === "array" && schema["x-kubernetes-list-type"] === undefined
    ? { ...schema, "x-kubernetes-list-type": "atomic" }
    : schema;

/** In this order, once the schemas below are mended. */
const mendings: readonly Mending[] = [
  closedObject,
  keysOfMaps,
  boundsOfDoubles,
  wholeChoices,
  emptyDefault,
  intOrString,
  patternInWords,
  patternOfGo,
  ownedLists,
];

function mend(schema: Schema): Schema {
  const { properties, items, additionalProperties } = schema;
  const inner: Schema = {
    ...schema,
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, mend(field)])) }
      : {}),
    ...(items ? { items: mend(items) } : {}),
    ...(typeof additionalProperties === "object" ? { additionalProperties: mend(additionalProperties) } : {}),
  };
  return mendings.reduce((mended, mending) => mending(mended), inner);
}

/** The order in which a person wants to read a schema: what it is, then how it is bounded, then what is in it. */
const reading = ["description", "type", "enum", "default", "format"];
const last = ["required", "properties", "items", "additionalProperties", "x-kubernetes-validations"];

function ordered(schema: Schema): Schema {
  const rank = (keyword: string): number =>
    reading.includes(keyword) ? reading.indexOf(keyword) : last.includes(keyword) ? 100 + last.indexOf(keyword) : 50;
  const entries = Object.entries(schema).sort(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(
    entries.map(([keyword, value]) => {
      if (keyword === "properties")
        return [
          keyword,
          Object.fromEntries(
            Object.entries(value as Record<string, Schema>).map(([name, field]) => [name, ordered(field)]),
          ),
        ];
      const nested = keyword === "items" || (keyword === "additionalProperties" && typeof value === "object");
      return [keyword, nested ? ordered(value as Schema) : value];
    }),
  );
}

/** The structural schema of what may be written where this zod schema stands. */
export function structural(schema: z.ZodType): Schema {
  return ordered(mend(z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }) as Schema));
}
