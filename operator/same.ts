/** Whether two JSON values are equal; the order of an object's fields carries no meaning, undefined is absent. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => same(item, b[index]))
    );
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...fields].every((field) =>
    same((a as Record<string, unknown>)[field], (b as Record<string, unknown>)[field]),
  );
}
