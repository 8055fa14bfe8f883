import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from "yaml";
import type { PathPart } from "./problem.ts";

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** The step into a mapping or sequence: where it is written, and what stands there. */
function step(
  node: unknown,
  part: PathPart,
): { readonly offset: number | undefined; readonly node: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part)) as Pair | undefined;
    return pair && { offset: offsetOf(pair.key), node: pair.value };
  }
  if (!isSeq(node) || typeof part !== "number") return undefined;
  const item = node.items[part];
  return item === undefined ? undefined : { offset: offsetOf(item), node: item };
}

/**
 * Line (from 1) of a field of a YAML document: of its key or list entry, or of the nearest thing around it that is
 * written out, as for a missing field or one that came through a merge key.
 */
export function lineOf(document: Document, lines: LineCounter, path: readonly PathPart[]): number | undefined {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const part of path) {
    const next = step(isAlias(node) ? node.resolve(document) : node, part);
    if (!next) break;
    offset = next.offset ?? offset;
    node = next.node;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
