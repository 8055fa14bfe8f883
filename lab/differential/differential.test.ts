import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Judged } from "../../semantics/observation.ts";
import { connectionStates, reasons } from "../../semantics/verdict.ts";
import { parseScenarios } from "../scenario/parse.ts";
import { chanceSeed } from "./config.ts";
import { type Finding, findDifference, sequenceSeeds } from "./find.ts";
import { places } from "./generate/pool.ts";
import { generateSequence } from "./generate/sequence.ts";
import { KernelSide } from "./kernel-side.ts";
import { ModelSide } from "./model-side.ts";
import { playSequence } from "./play.ts";
import { reportFinding } from "./report.ts";
import { scenarioOf } from "./scenario.ts";
import type { Framed, Side } from "./side.ts";

const kernel = KernelSide.enter("build/bpf/sallyport.bpf.o", places);
after(() => kernel.close());

/** Packets of each seed: 20,000 in all. */
const packets = 4000;

for (const [name, seed] of [
  ["seed 1", 1],
  ["seed 20261124", 20_261_124],
  ["seed 3000000000", 3_000_000_000],
  ["seed 77", 77],
  ["a seed of chance", chanceSeed()],
] as const) {
  test(`model and kernel agree about ${packets} random packets and what happens between them: ${name}`, async (t) => {
    t.diagnostic(`--packets ${packets} --seed ${seed}`);
    const finding = await findDifference({ model: new ModelSide(), kernel }, seed, packets);
    assert.equal(finding && reportFinding(finding), undefined);
  });
}

/** A model with a fault. */
class Mutant extends ModelSide {
  readonly #change: (judged: Judged, packet: Framed) => Judged;

  constructor(change: (judged: Judged, packet: Framed) => Judged) {
    super();
    this.#change = change;
  }

  override async judge(packets: readonly Framed[]): Promise<readonly Judged[]> {
    const judged = await super.judge(packets);
    return judged.flatMap((one, index) => {
      const packet = packets[index];
      return packet === undefined ? [] : this.#change(one, packet);
    });
  }
}

/** The first finding in short sequences that `wanted` holds for: those shrink fast. */
async function foundIn(model: Side, wanted: (finding: Finding) => boolean = () => true): Promise<Finding> {
  for (let seed = 1; seed <= 100; seed++) {
    const finding = await findDifference({ model, kernel }, seed, 200);
    if (finding !== undefined && wanted(finding)) return finding;
  }
  return assert.fail("the fault was not found");
}

test("a model that takes refused entries for forbidden packets is found out, by a few steps", async () => {
  const { sequence, difference } = await foundIn(
    new Mutant((judged) => (judged.reason === "conntrack-allowance" ? { ...judged, reason: "no-rule" } : judged)),
  );
  assert.equal(difference.kind, "verdict");
  assert.ok(sequence.steps.length <= 6, `${sequence.steps.length} steps`);
  const rules = sequence.steps.flatMap((step) => (step.kind === "program" ? step.world.state.ruleSets : []));
  assert.ok(rules.flatMap((set) => set.rules).length <= 4, "rules that mean nothing are left");
});

test("a model that is wrong about one kind of packet is found out by one of them", async () => {
  const { sequence, difference } = await foundIn(
    new Mutant((judged, { packet }) =>
      packet.transport.kind === "udp" && judged.reason === "untracked" ? { ...judged, tracking: "tracked" } : judged,
    ),
  );
  assert.equal(difference.kind, "verdict");
  const sent = sequence.steps.flatMap((step) => (step.kind === "packet" ? [step.packet.transport.kind] : []));
  assert.deepEqual(sent, ["udp"]);
});

test("a model that forgets to let time pass is found out by what is left in the table", async () => {
  const model = new ModelSide();
  model.advance = async () => {};
  const { sequence } = await foundIn(model);
  assert.ok(sequence.steps.some(({ kind }) => kind === "advance"));
});

test("a finding about ordinary packets is a scenario that the lab can read", async () => {
  const isOrdinary = ({ packet, shape }: Framed) =>
    packet.transport.kind === "tcp" && /^203|^2001/.test(packet.source) && Object.keys(shape).length === 0;
  const model = new Mutant((judged, packet) =>
    judged.reason === "connection" && isOrdinary(packet) ? { ...judged, tracking: "none" } : judged,
  );
  const scenario = scenarioOf(await foundIn(model, (finding) => scenarioOf(finding) !== undefined));
  const { problems, scenarios } = await parseScenarios("differential.yaml", JSON.stringify(scenario));
  assert.deepEqual(problems, []);
  assert.equal(scenarios.length, 1);
});

test("random packets meet every reason, every tracking and every state of a connection", async () => {
  const seen = new Set<string>();
  for (const { seed, packets } of sequenceSeeds(1, 20_000)) {
    const model = new ModelSide();
    const watched: Side = {
      begin: async (size) => model.begin(size),
      program: async (world) => model.program(world),
      advance: async (seconds, sweeps) => model.advance(seconds, sweeps),
      judge: async (batch) => {
        const judged = await model.judge(batch);
        for (const { reason, tracking } of judged) seen.add(reason).add(tracking);
        return judged;
      },
      observe: async (uid) => {
        const observed = await model.observe(uid);
        for (const { state } of observed.connections) seen.add(state);
        return observed;
      },
    };
    await playSequence({ model: watched, kernel: new ModelSide() }, generateSequence(seed, packets));
  }
  const wanted = [...reasons, ...connectionStates, "none", "tracked", "untracked"];
  assert.deepEqual(
    wanted.filter((name) => !seen.has(name)),
    [],
  );
});

test("a sequence is the same for the same seed, and plays from its JSON", async () => {
  const sequence = generateSequence(5, 200);
  assert.deepEqual(generateSequence(5, 200), sequence);
  const read = JSON.parse(JSON.stringify(sequence)) as typeof sequence;
  assert.deepEqual(read, sequence);
  assert.equal(await playSequence({ model: new ModelSide(), kernel }, read), undefined);
});
