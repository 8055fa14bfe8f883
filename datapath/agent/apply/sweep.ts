import type { Bpf, BpfMap, BpfProgram } from "../../loader/ports.ts";
import { constants, structs } from "../abi.generated.ts";
import { makeStruct } from "../bytes.ts";

const keySize = structs.connection_key.size;
/** An array map keeps its values 8 bytes apart at least, whatever their size. */
const keyStride = Math.ceil(keySize / 8) * 8;
/** Bytes of one paced read of the walk. */
const readSize = 64 * 1024;

/** What a sweep needs of the loaded object. */
export interface SweepParts {
  readonly bpf: Bpf;
  readonly connections: BpfMap;
  readonly findDead: BpfProgram;
  readonly collect: BpfProgram;
  /** `sweep_keys`, mapped. */
  readonly keys: Uint8Array;
}

/** Removes all entries whose time is up, or whose endpoint or address is gone. Returns how many went. */
export function sweep({ bpf, connections, findDead, collect, keys }: SweepParts): number {
  const found: Uint8Array[] = [...bpf.iterate(findDead, connections, readSize)];
  const bytes = Buffer.concat(found);
  let removed = 0;
  for (let at = 0; at < bytes.length; at += constants.SWEEP_BATCH * keySize) {
    const batch = bytes.subarray(at, at + constants.SWEEP_BATCH * keySize);
    for (let i = 0; i * keySize < batch.length; i++) {
      keys.set(batch.subarray(i * keySize, (i + 1) * keySize), i * keyStride);
    }
    const args = makeStruct("collect_args");
    args.setU32("count", batch.length / keySize);
    collect.run(args.bytes);
    removed += args.u32("removed");
  }
  return removed;
}
