/** One step from an object to a field: a key or an index. */
export type PathPart = string | number;

/** One thing wrong with one field of one object. */
export interface Problem {
  /** File as it was named by the caller; absent for an object that came from elsewhere. */
  readonly file?: string;
  /** Line in the file, from 1. */
  readonly line?: number;
  /** `SecurityGroup default/web`, or which document it is when that cannot be told. */
  readonly object: string;
  /** `spec.ingress[0].ports`; empty for the object as a whole. */
  readonly field: string;
  /** What stands there; absent when nothing does. */
  readonly value?: unknown;
  readonly message: string;
  readonly remedy: string;
}

/** The field as a person writes it: `spec.ingress[0].ports`, `metadata.labels["a.example/b"]`. */
export function fieldOf(path: readonly PathPart[]): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");
}

const longestShown = 60;

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > longestShown ? `${json.slice(0, longestShown - 1)}…` : json;
}

/** One line for a terminal or log: where, what, why and what to do. */
export function formatProblem({ file, line, object, field, value, message, remedy }: Problem): string {
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  // A whole object or list says nothing that its field does not.
  const what = value === undefined || (typeof value === "object" && value !== null) ? "" : ` = ${shown(value)}`;
  return `${place}${object}: ${field === "" ? "" : `${field}${what}: `}${message}; ${remedy}`;
}

/** What stands at a path of an untyped value; undefined where there is nothing. */
export function valueAt(value: unknown, path: readonly PathPart[]): unknown {
  let here = value;
  for (const part of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<PathPart, unknown>)[part];
  }
  return here;
}
