import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { apiVersion } from "../version.ts";

/** One object that is valid or not, as `README.md` beside this file says. */
export interface Case {
  readonly case: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: unknown;
  readonly parsed?: object;
  readonly refused?: readonly { readonly field: string; readonly message: string }[];
  /** Why the API server accepts what is refused here. */
  readonly commandLineOnly?: string;
}

/** Kinds of the corpus; each has a file named like it in lower case. */
export const corpusKinds = ["SecurityGroup", "PrefixList", "NetworkACL", "AllowanceProfile", "TrackingPolicy"] as const;

/** All cases of a kind. */
export function casesOf(kind: (typeof corpusKinds)[number]): readonly Case[] {
  const text = readFileSync(new URL(`${kind.toLowerCase()}.yaml`, import.meta.url), "utf8");
  return parse(text, { version: "1.1" }) as readonly Case[];
}

/** The whole object of a case. */
export function objectOf(kind: string, { metadata = { name: "case" }, spec }: Case): object {
  return { apiVersion, kind, metadata, ...(spec === undefined ? {} : { spec }) };
}
