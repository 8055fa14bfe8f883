import { z } from "zod";

/** Why a value is not accepted, and what to do about it. Both are sentences without a full stop. */
export interface Refusal {
  /** Where, below the value that is judged; absent: the value itself. */
  readonly path?: readonly (string | number)[];
  readonly message: string;
  readonly remedy: string;
}

/** A refusal with its place in the object. */
export type PlacedRefusal = Refusal & { readonly path: readonly (string | number)[] };

/** What reading one value gives. */
export type Reading<T> = { readonly value: T } | { readonly refusal: Refusal };

/** Where a check of a partly valid value looks and reports. */
export interface Findings {
  /** Whether nothing was refused at this path, above it or below it. */
  sound(...path: readonly (string | number)[]): boolean;
  /** Whether the value has fields that its schema does not know. */
  readonly unknownFields: boolean;
  refuse(refusal: Refusal): void;
}

const startsWith = (path: readonly PropertyKey[], start: readonly PropertyKey[]): boolean =>
  start.every((part, index) => path[index] === part);

/**
 * `structure`, and a check of how its fields go together. The check also runs when some field was refused, so that
 * all errors are reported at once; it must therefore ask `sound` before it reads a field.
 */
export function checked<S extends z.ZodType>(structure: S, check: (value: z.output<S>, findings: Findings) => void): S {
  return structure.superRefine(
    (value, context) => {
      const before = context.issues.slice();
      const refused = before.filter((issue) => issue.code !== "unrecognized_keys").map((issue) => issue.path ?? []);
      if (refused.some((path) => path.length === 0)) return;
      check(value, {
        sound: (...path) => !refused.some((other) => startsWith(other, path) || startsWith(path, other)),
        unknownFields: before.length > refused.length,
        refuse: ({ path = [], message, remedy }) =>
          context.addIssue({ code: "custom", path: [...path], message, params: { remedy } }),
      });
    },
    { when: () => true },
  );
}

/** `structure`, and its meaning: a value that `read` refuses is an error. */
export function read<S extends z.ZodType, T>(structure: S, reader: (value: z.output<S>) => Reading<T>) {
  return structure.transform((value, context): T => {
    const reading = reader(value);
    if ("value" in reading) return reading.value;
    const { path = [], message, remedy } = reading.refusal;
    context.addIssue({ code: "custom", path: [...path], message, params: { remedy } });
    return z.NEVER;
  });
}

/** A list whose entries differ in their key; entries without a key (because they were refused) are passed over. */
export function unique<S extends z.ZodType>(
  list: S,
  keyOf: (entry: unknown) => string | number | undefined,
  refusal: (key: string | number, first: number) => Refusal,
): S {
  return checked(list, (entries, findings) => {
    const seen = new Map<string | number, number>();
    for (const [index, entry] of (entries as readonly unknown[]).entries()) {
      const key = keyOf(entry);
      const first = key === undefined ? undefined : seen.get(key);
      if (key !== undefined && first === undefined) seen.set(key, index);
      if (key === undefined || first === undefined) continue;
      const { path = [], message, remedy } = refusal(key, first);
      findings.refuse({ path: [index, ...path], message, remedy });
    }
  });
}
