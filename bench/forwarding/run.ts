import { compileObject, compileProgram } from "../compile.ts";
import { conntrackMax, filters, hasNft } from "./filters.ts";
import { type Effort, measureEstablished, measureNew, measureOverAllowance, measureStream } from "./measure.ts";
import { describeCost, describeDrop, describeStream, heading } from "./report.ts";

const efforts: Readonly<Record<"full" | "quick", Omit<Effort, "filters">>> = {
  full: { flows: [10_000, 100_000, 300_000], rounds: 25, frames: 20_000, stream: 1500 },
  quick: { flows: [10_000, 100_000], rounds: 9, frames: 10_000, stream: 500 },
};

/** As many flows as nftables can keep here: with another fill it would be no comparison. */
function attainable(flows: readonly number[]): readonly number[] {
  const most = conntrackMax() - 10_000;
  return flows.map((count) => Math.min(count, most));
}

/** Forwarding between two pods: what a filter adds to a packet's way, and takes from a stream. */
export async function runForwarding(quick: boolean): Promise<void> {
  const withNft = hasNft();
  const { flows, ...rest } = efforts[quick ? "quick" : "full"];
  const effort: Effort = {
    ...rest,
    filters: filters.filter((filter) => filter !== "nftables" || withNft),
    flows: withNft ? attainable(flows) : flows,
  };
  const object = compileObject("forwarding/forward.bpf.c");
  const stream = compileProgram("forwarding/stream.c");
  console.log(heading(withNft));
  await measureEstablished(object, effort, (count, figures) => {
    console.log(describeCost(`established, ${count} flows`, figures, 450));
  });
  console.log(describeCost("a new flow per packet", await measureNew(object, effort), 1100));
  console.log(describeDrop("over the allowance, dropped", await measureOverAllowance(object, effort)));
  console.log(describeStream("TCP, GSO off", await measureStream(stream, effort), 0.95));
}
