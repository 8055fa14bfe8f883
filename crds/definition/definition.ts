import type { z } from "zod";
import { type CompiledKind, compiledApiVersion, compiledPlurals } from "../compiled.ts";
import { compiledSchemas, nodePolicyStatus } from "../compiled-schema.ts";
import { kinds, type UserObject } from "../kinds.ts";
import { userStatuses } from "../status.ts";
import { columns } from "./columns.ts";
import { type Schema, structural } from "./structural.ts";

/** A CustomResourceDefinition (`apiextensions.k8s.io/v1`), as far as it is read again. */
export interface Definition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

interface Facts {
  readonly kind: UserObject["kind"] | CompiledKind;
  readonly apiVersion: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly category: string;
  readonly description: string;
  readonly spec: Schema;
  readonly status?: Schema;
  /** Rules on the object as a whole. */
  readonly rules?: readonly unknown[];
}

const typeFields = {
  apiVersion: { type: "string", description: "Group and version of the API that this object is written in." },
  kind: { type: "string", description: "Kind of this object." },
  metadata: { type: "object" },
} as const;

function schemaOf({ description, spec, status, rules }: Facts): Schema {
  return {
    description,
    type: "object",
    required: ["spec"],
    properties: { ...typeFields, spec, ...(status ? { status } : {}) },
    ...(rules ? { "x-kubernetes-validations": rules } : {}),
  };
}

function definitionOf(facts: Facts): Definition {
  const [group = "", version = ""] = facts.apiVersion.split("/");
  const { kind, plural, singular, shortNames, category } = facts;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: facts.namespaced ? "Namespaced" : "Cluster",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 ? { shortNames } : {}),
        categories: [category],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(facts.status ? { subresources: { status: {} } } : {}),
          additionalPrinterColumns: columns[kind],
          schema: { openAPIV3Schema: schemaOf(facts) },
        },
      ],
    },
  };
}

const statusOf = (schema: z.ZodType, writer: string): Schema => ({
  ...structural(schema),
  description: `Written by the ${writer} only.`,
});

function userDefinition(name: UserObject["kind"]): Definition {
  const { schema, ...facts } = kinds[name];
  const whole = structural(schema);
  const spec = whole.properties?.["spec"];
  if (spec === undefined) throw new TypeError(`${name} has no spec`);
  const rules = whole["x-kubernetes-validations"];
  return definitionOf({
    ...facts,
    category: "sallyport",
    description: whole.description ?? "",
    spec,
    status: statusOf(userStatuses[name], "operator"),
    ...(rules ? { rules } : {}),
  });
}

/** Beside what users write, these would be noise in `kubectl get sallyport`: a category of their own. */
const compiledCategory = "sallyport-node";

function compiledDefinition(kind: CompiledKind): Definition {
  const spec = structural(compiledSchemas[kind]);
  return definitionOf({
    kind,
    apiVersion: compiledApiVersion,
    plural: compiledPlurals[kind],
    singular: kind.toLowerCase(),
    shortNames: [],
    namespaced: false,
    category: compiledCategory,
    description: `${spec.description ?? ""} Written by the operator only.`.trim(),
    spec,
    ...(kind === "NodePolicy" ? { status: statusOf(nodePolicyStatus, "node's agent") } : {}),
  });
}

/** The definitions of all our kinds: those that users write, then the compiled ones. */
export function definitions(): readonly Definition[] {
  return [
    ...(Object.keys(userStatuses) as UserObject["kind"][]).map(userDefinition),
    ...(Object.keys(compiledSchemas) as CompiledKind[]).map(compiledDefinition),
  ];
}
