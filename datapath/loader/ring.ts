import { mapMemory, pageSize, unmapMemory } from "./libc.ts";
import type { BpfMap, RingReader } from "./ports.ts";

const headerSize = 8;
const busyBit = 1 << 31;
const discardBit = 1 << 30;

/**
 * Reads a ring buffer through its own mapping (Documentation/bpf/ringbuf.rst): the consumer's page is ours to write,
 * the producer's page and the data, which is mapped twice in a row, are not.
 */
export function openRing(map: BpfMap): RingReader {
  const size = map.maxEntries;
  const page = pageSize();
  const consumerMemory = mapMemory(map.fd, page, true);
  const producerMemory = mapMemory(map.fd, page + 2 * size, false, page);
  const consumer = new BigUint64Array(consumerMemory, 0, 1);
  const producer = new BigUint64Array(producerMemory, 0, 1);
  const headers = new Int32Array(producerMemory, page);
  const data = new Uint8Array(producerMemory, page);

  const read = (): Uint8Array[] => {
    const records: Uint8Array[] = [];
    let position = Atomics.load(consumer, 0);
    while (position < Atomics.load(producer, 0)) {
      const at = Number(position & BigInt(size - 1));
      const header = Atomics.load(headers, at / Int32Array.BYTES_PER_ELEMENT);
      if ((header & busyBit) !== 0) {
        break;
      }
      const length = header & ~(busyBit | discardBit);
      if ((header & discardBit) === 0) {
        records.push(data.slice(at + headerSize, at + headerSize + length));
      }
      position += BigInt((length + headerSize + 7) & ~7);
      Atomics.store(consumer, 0, position);
    }
    return records;
  };
  const close = () => {
    unmapMemory(consumerMemory);
    unmapMemory(producerMemory);
  };
  return { read, close };
}
