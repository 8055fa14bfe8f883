/** Whether a resourceVersion is later than another: they are decimal numbers that only grow. */
export function isLater(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
