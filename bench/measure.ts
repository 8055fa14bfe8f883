import type { Family } from "../semantics/policy.ts";
import { type Case, type CaseName, cases } from "./cases.ts";
import type { BenchNode, Flows } from "./node.ts";
import { ack, syn, synAck } from "./packets.ts";
import { trackedPort } from "./policy.ts";
import { median } from "./statistics.ts";

/** How thoroughly to measure. */
export interface Effort {
  /** Sizes of the rule sets. */
  readonly rules: readonly number[];
  /** Connections in the table, ascending. */
  readonly flows: readonly number[];
  /** Rounds of each figure; the median counts. */
  readonly rounds: number;
  /** Packets of a round. */
  readonly packets: number;
}

/** Mean nanoseconds of one packet, net of what an empty program costs. */
export interface Figure {
  readonly family: Family;
  readonly rules: number;
  readonly flows: number;
  readonly name: CaseName;
  readonly net: number;
  /** Of the bare operation on a hash map of the kernel's at the same fill, measured in the same rounds. */
  readonly bare: number;
  /** Median of the rounds' own ratios. */
  readonly ratio: number;
}

/** Packets of a round that begin flows: so few that the table's fill stays what it is said to be, and finds room. */
const freshPackets = 2000;

/** Makes connections `from` up to `to` by their handshakes. */
function establish(node: BenchNode, family: Family, from: number, to: number): void {
  const handshake = [
    { program: "bench_to_pod", direction: "ingress", flags: syn },
    { program: "bench_from_pod", direction: "egress", flags: synAck },
    { program: "bench_to_pod", direction: "ingress", flags: ack },
  ] as const;
  for (const { program, direction, flags } of handshake) {
    node.run(program, "established", { family, direction, podPort: trackedPort, flags }, { first: from }, to - from);
  }
  const segment = { family, direction: "ingress", podPort: trackedPort, flags: ack } as const;
  node.run("bench_copy", "established", segment, { first: from }, to - from);
  if (!node.haveEntries("established", segment, to)) {
    throw new Error(`not all of ${to} connections were made: the figures would be of something else`);
  }
}

interface Setting {
  readonly family: Family;
  readonly rules: number;
  readonly flows: number;
}

/** One round: every program once, so that what disturbs the machine meanwhile disturbs all of them. */
async function round(node: BenchNode, { family, flows }: Setting, packets: number, first: number) {
  const segment = { family, direction: "ingress", podPort: trackedPort, flags: ack } as const;
  const random: Flows = { count: flows };
  const empty = node.run("bench_empty", "established", segment, random, packets);
  const bare = {
    bench_lookup: node.run("bench_lookup", "established", segment, random, packets) - empty,
    bench_insert: node.run("bench_insert", "established", segment, { first }, freshPackets) - empty,
  };
  node.run("bench_remove", "established", segment, { first }, freshPackets);
  const rounds = new Map<CaseName, { net: number; bare: number; ratio: number }>();
  for (const one of cases) {
    const begins = one.bare === "bench_insert";
    const count = begins ? freshPackets : packets;
    const total = await expectReason(node, one, count, () => {
      const own = { ...segment, podPort: one.podPort, flags: one.flags };
      return node.run("bench_to_pod", one.pod, own, begins ? { first } : random, count);
    });
    const net = total - empty;
    rounds.set(one.name, { net, bare: bare[one.bare], ratio: net / bare[one.bare] });
  }
  return rounds;
}

/** Runs packets of a case, and fails unless each had the reason that it is about. */
async function expectReason(node: BenchNode, { name, pod, reason }: Case, count: number, run: () => number) {
  const before = (await node.packets(pod, "ingress"))[reason] ?? 0;
  const total = run();
  const after = await node.packets(pod, "ingress");
  if ((after[reason] ?? 0) - before !== count) {
    throw new Error(`${name}: not all of ${count} packets had reason ${reason}: ${JSON.stringify(after)}`);
  }
  return total;
}

async function measureSetting(node: BenchNode, setting: Setting, effort: Effort): Promise<Figure[]> {
  await node.program(setting.rules);
  const rounds: Awaited<ReturnType<typeof round>>[] = [];
  // The first round warms caches and predictors up.
  for (let i = 0; i <= effort.rounds; i++) {
    rounds.push(await round(node, setting, effort.packets, i * freshPackets));
  }
  // The new flows' pod goes, and the entries of rounds with it.
  await node.program(setting.rules, ["new"]);
  return cases.map(({ name }) => {
    const counted = rounds.slice(1).flatMap((one) => one.get(name) ?? []);
    return {
      ...setting,
      name,
      net: median(counted.map(({ net }) => net)),
      bare: median(counted.map(({ bare }) => bare)),
      ratio: median(counted.map(({ ratio }) => ratio)),
    };
  });
}

/** Measures one family on a fresh node; `report` hears each setting's figures when they are there. */
export async function measure(
  node: BenchNode,
  family: Family,
  effort: Effort,
  report: (figures: readonly Figure[]) => void,
): Promise<void> {
  let made = 0;
  for (const flows of effort.flows) {
    await node.program(1);
    establish(node, family, made, flows);
    made = flows;
    for (const rules of effort.rules) {
      report(await measureSetting(node, { family, rules, flows }, effort));
    }
  }
}
