import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { CompiledState } from "../../semantics/policy.ts";
import type { EndpointStatus } from "./control.ts";
import { Programmer } from "./retry.ts";

const state = { ruleSets: [] } as unknown as CompiledState;
const node = { nodeAddresses: [] };
const attachments = [{ uid: "pod", ifindex: 1, adopt: false, addresses: [] }];
const programmed: readonly EndpointStatus[] = [{ uid: "pod", state: "Programmed" }];
const failed: readonly EndpointStatus[] = [{ uid: "pod", state: "NotProgrammed", message: "full", retried: true }];

/** Lets all that was settled run on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** An agent that answers with these, one after another and the last for ever; an error is thrown. */
function agentThatAnswers(...answers: readonly (readonly EndpointStatus[] | Error)[]) {
  let tries = 0;
  const program = async () => {
    const answer = answers[Math.min(tries++, answers.length - 1)] ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { programmer: new Programmer({ program }), tries: () => tries };
}

/** Runs with a clock that only `wait` moves. */
async function withClock(body: (wait: (milliseconds: number) => Promise<void>) => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await body(async (milliseconds) => {
      mock.timers.tick(milliseconds);
      await settle();
    });
  } finally {
    mock.timers.reset();
  }
}

test("lesson 14: a failed step is tried again after 0.1 s, and then after twice as long each time, 30 s at most", async () => {
  await withClock(async (wait) => {
    const { programmer, tries } = agentThatAnswers(failed);
    await programmer.program(state, node, attachments);
    const pauses = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
    for (const [done, pause] of pauses.entries()) {
      await wait(pause - 1);
      assert.equal(tries(), done + 1, `before the pause of ${pause} ms is over`);
      await wait(1);
      assert.equal(tries(), done + 2, `after the pause of ${pause} ms`);
    }
    programmer.stop();
  });
});

test("lesson 14: what succeeds is not tried again, and the statuses tell", async () => {
  await withClock(async (wait) => {
    const { programmer, tries } = agentThatAnswers(failed, failed, programmed);
    assert.deepEqual(await programmer.program(state, node, attachments), failed);
    await wait(100);
    assert.deepEqual(programmer.statuses(), failed);
    await wait(200);
    assert.deepEqual(programmer.statuses(), programmed);
    await wait(3_600_000);
    assert.equal(tries(), 3);
  });
});

test("lesson 14: an error that ends the whole step is each endpoint's status until a later try succeeds", async () => {
  await withClock(async (wait) => {
    const { programmer } = agentThatAnswers(new Error("map roles is full"), programmed);
    await assert.rejects(programmer.program(state, node, attachments), /map roles is full/);
    const status = { uid: "pod", state: "NotProgrammed", message: "map roles is full", retried: true } as const;
    assert.deepEqual(programmer.statuses(), [status]);
    await wait(100);
    assert.deepEqual(programmer.statuses(), programmed);
  });
});

test("what the policy closes is no failure, and is not tried again", async () => {
  await withClock(async (wait) => {
    const { programmer, tries } = agentThatAnswers([{ uid: "pod", state: "NotProgrammed", message: "not here yet" }]);
    await programmer.program(state, node, attachments);
    await wait(3_600_000);
    assert.equal(tries(), 1);
  });
});
