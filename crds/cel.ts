import type { Refusal } from "./refusal.ts";

/** One entry of `x-kubernetes-validations`: the API server refuses what the rule is false for, with the message. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** Field below the value that is judged, as `.ports`; absent: the value itself. */
  readonly fieldPath?: string;
}

/** The twin in CEL of a check of ours: refused for the same reason, with the same words. */
export function twin(rule: string, refusal: Pick<Refusal, "message" | "remedy">, fieldPath?: string): CelRule {
  const message = `${refusal.message}; ${refusal.remedy}`;
  return { rule, message, ...(fieldPath === undefined ? {} : { fieldPath }) };
}

/**
 * Metadata of a schema (`.meta`) that puts these rules into its CRD. The API server adds up what all rules of a kind
 * could cost at worst, from the bounds of every string and list around them: without bounds it refuses the CRD.
 */
export function twins(...rules: readonly CelRule[]): { readonly "x-kubernetes-validations": readonly CelRule[] } {
  return { "x-kubernetes-validations": rules };
}

/** A list of words as a CEL literal. */
export function celList(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(", ")}]`;
}

/** A pattern as Go's regular expressions have it: they know no groups without a name, and no escape of a slash. */
export function goPattern({ source }: RegExp): string {
  return source.replaceAll("(?:", "(").replaceAll("\\/", "/");
}

/** That a field matches a pattern, in CEL. */
export function celMatches(field: string, pattern: RegExp): string {
  return `${field}.matches(r'${goPattern(pattern)}')`;
}
