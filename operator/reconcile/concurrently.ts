/** Requests to the API server under way at once: it answers each after it has asked etcd, and waits more than it works. */
const atOnce = 16;

/**
 * Does the work for every item, begun in their order, several at a time. After a failure no more is begun; rejects with
 * the first one when nothing is under way any more.
 */
export async function concurrently<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  const left = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = left.next(); !next.done && failures.length === 0; next = left.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) throw failures[0];
}
