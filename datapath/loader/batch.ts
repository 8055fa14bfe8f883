import { Attributes, bpf, command } from "./syscall.ts";

type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** A map, as far as its batches go. */
export interface BatchedMap {
  readonly name: string;
  readonly fd: number;
  readonly keySize: number;
  /** Bytes of one value as user space sees it. */
  readonly lookupSize: number;
  readonly maxEntries: number;
}

/** Offsets in `union bpf_attr.batch`. */
const fields = { from: 0, to: 8, keys: 16, values: 24, count: 32, fd: 36, size: 56 } as const;

/** Entries that one call reads. */
const readSize = 1024;

/** Writes all in one call. Where it fails, what stands before the entry at fault is written. */
export function updateBatch({ name, fd }: BatchedMap, entries: readonly Entry[]): void {
  const attributes = new Attributes(fields.size)
    .pointer(fields.keys, Buffer.concat(entries.map(([key]) => key)))
    .pointer(fields.values, Buffer.concat(entries.map(([, value]) => value)))
    .u32(fields.count, entries.length)
    .u32(fields.fd, fd);
  bpf(`update ${entries.length} entries of map ${name}`, command.updateBatch, attributes);
}

/** Deletes all keys that are there, and returns how many were. */
export function deleteBatch({ name, fd }: BatchedMap, keys: readonly Uint8Array[]): number {
  let deleted = 0;
  for (let at = 0; at < keys.length; ) {
    const rest = keys.slice(at);
    const attributes = new Attributes(fields.size)
      .pointer(fields.keys, Buffer.concat(rest))
      .u32(fields.count, rest.length)
      .u32(fields.fd, fd);
    // The kernel stops at a key that is not there, and counts those before it.
    bpf(`delete ${rest.length} entries of map ${name}`, command.deleteBatch, attributes, ["ENOENT"]);
    const done = attributes.read(fields.count);
    deleted += done;
    at += done + 1;
  }
  return deleted;
}

interface Batch {
  readonly end: number | "ENOENT" | "ENOSPC";
  readonly entries: readonly Entry[];
  /** Where the next batch goes on. */
  readonly next: Uint8Array;
}

function readBatch({ name, fd, keySize, lookupSize }: BatchedMap, size: number, from: Uint8Array | undefined): Batch {
  const keys = Buffer.allocUnsafeSlow(size * keySize);
  const values = Buffer.allocUnsafeSlow(size * lookupSize);
  const next = Buffer.allocUnsafeSlow(Math.max(8, keySize));
  const attributes = new Attributes(fields.size)
    .pointer(fields.to, next)
    .pointer(fields.keys, keys)
    .pointer(fields.values, values)
    .u32(fields.count, size)
    .u32(fields.fd, fd);
  if (from !== undefined) attributes.pointer(fields.from, from);
  const end = bpf(`read map ${name}`, command.lookupBatch, attributes, ["ENOENT", "ENOSPC"]);
  const count = end === "ENOSPC" ? 0 : attributes.read(fields.count);
  const entries = Array.from(
    { length: count },
    (_, i): Entry => [
      new Uint8Array(keys.buffer, keys.byteOffset + i * keySize, keySize),
      new Uint8Array(values.buffer, values.byteOffset + i * lookupSize, lookupSize),
    ],
  );
  return { end, entries, next };
}

/** Reads all entries. */
export function* readBatches(map: BatchedMap): Iterable<Entry> {
  let size = Math.min(map.maxEntries, readSize);
  let from: Uint8Array | undefined;
  for (;;) {
    const { end, entries, next } = readBatch(map, size, from);
    if (end === "ENOSPC") {
      // One bucket holds more than the batch; the kernel asks for a larger one.
      size *= 2;
      continue;
    }
    yield* entries;
    if (end === "ENOENT") return;
    from = next;
  }
}

/** Reads values of an array in one call: of an array, the place of a batch is the index before it. */
export function readRange(map: BatchedMap, first: number, count: number): Uint8Array[] {
  const from = first === 0 ? undefined : new Uint8Array(Uint32Array.of(first - 1).buffer);
  return readBatch(map, count, from).entries.map(([, value]) => value);
}
