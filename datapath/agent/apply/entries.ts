import type { BpfMap } from "../../loader/ports.ts";

type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** What turns one content of a map into another. */
export interface EntryChanges {
  readonly put: readonly Entry[];
  readonly remove: readonly Uint8Array[];
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The least writes that make `current` into `desired`. */
export function diffEntries(current: Iterable<Entry>, desired: Iterable<Entry>): EntryChanges {
  const before = new Map([...current].map(([key, value]) => [text(key), { key, value: text(value) }] as const));
  const put: Entry[] = [];
  for (const entry of desired) {
    const key = text(entry[0]);
    if (before.get(key)?.value !== text(entry[1])) {
      put.push(entry);
    }
    before.delete(key);
  }
  return { put, remove: [...before.values()].map(({ key }) => key) };
}

/**
 * Writes what is new at once and returns what removes the rest, for a caller whose new policies must be in force
 * before an old entry goes.
 */
export function applyEntries(map: BpfMap, desired: Iterable<Entry>): () => void {
  const { put, remove } = diffEntries(map.entries(), desired);
  if (put.length > 0) {
    map.updateMany(put);
  }
  return () => {
    if (remove.length > 0) {
      map.deleteMany(remove);
    }
  };
}
