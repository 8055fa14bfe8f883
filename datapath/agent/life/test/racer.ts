/**
 * A thread that puts SYNs through a program, each flow's once, at the same time as others put the same ones through.
 * Threads wait for each other before each stretch of flows, so that they meet in it.
 */
import { workerData } from "node:worker_threads";
import { KernelProgram } from "../../../loader/program.ts";
import { uplink } from "./node.ts";

/** What a racer is given. */
export interface Race {
  /** Descriptor of the program. */
  readonly fd: number;
  readonly frames: readonly Uint8Array[];
  readonly ifindex: number;
  readonly racers: number;
  /** How many racers have come to a stretch so far, all stretches together: an `Int32Array` of one. */
  readonly arrivals: SharedArrayBuffer;
}

const stretch = 32;

const { fd, frames, ifindex, racers, arrivals } = workerData as Race;
const program = new KernelProgram(fd, "raced");
const arrived = new Int32Array(arrivals);
for (let first = 0; first < frames.length; first += stretch) {
  const expected = (first / stretch + 1) * racers;
  Atomics.add(arrived, 0, 1);
  while (Atomics.load(arrived, 0) < expected);
  for (const data of frames.slice(first, first + stretch)) program.testRun({ data, ifindex, ingressIfindex: uplink });
}
