/** What separates the items of a text, the coarsest first: lines, then what is enumerated. */
const separators = ["\n", ", "] as const;

/**
 * Cuts a text that is too long behind a whole line, or if it is one line behind a whole item of an enumeration, and
 * says how many more there were: `a, b, ... and 241 more`. `most`: UTF-16 units, which are never fewer than the
 * characters that an API server counts.
 */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  for (const separator of separators) {
    const items = text.slice(0, most).split(separator);
    const count = text.split(separator).length;
    for (let kept = items.length; kept > 0; kept -= 1) {
      const cut = `${items.slice(0, kept).join(separator)}${separator}... and ${count - kept} more`;
      if (cut.length <= most) return cut;
    }
  }
  // One item that is too long by itself; half a surrogate pair is no character.
  return `${text.slice(0, most - 3).replace(/[\uD800-\uDBFF]$/, "")}...`;
}
