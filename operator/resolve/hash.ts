import { createHash } from "node:crypto";

/** JSON with the fields of every object in order, so that equal content has equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Revision of some content: the same exactly when the content is. */
export function revisionOf(content: unknown): string {
  return createHash("sha256").update(canonical(content)).digest("hex").slice(0, 16);
}

/** Name of a compiled object made for these uids, in any order. */
export function nameOf(prefix: string, uids: readonly string[]): string {
  const digest = createHash("sha256")
    .update([...uids].sort().join("\n"))
    .digest("hex");
  return `${prefix}-${digest.slice(0, 20)}`;
}
