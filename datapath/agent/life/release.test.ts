import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import { address } from "../../../semantics/test/rules.ts";
import { openBpf } from "../../loader/open.ts";
import { enterSandbox } from "../../loader/test/sandbox.ts";
import { type Pod, TestNode } from "./test/node.ts";

enterSandbox();

/** Ends of the grace periods that are asked for: they last until the test ends them. */
const ends: (() => void)[] = [];
const bpf = {
  ...openBpf(),
  gracePeriod: () =>
    new Promise<void>((resolve) => {
      ends.push(resolve);
    }),
};
const node = new TestNode("release", { bpf });
after(() => node.close());

/** Test runs ask for no more of an interface than its number, and the loopback's is there. */
function podWith(port: number): Pod {
  return { uid: "pod", ifindex: 1, addresses: [address("10.1.0.1")], rules: [`in tcp ${port} from 10.2.0.0/16`] };
}

/** What becomes of new connections to these ports. */
async function judged(...ports: number[]): Promise<string[]> {
  const verdicts: string[] = [];
  for (const port of ports) verdicts.push(await node.send(podWith(port), { port, remote: address("10.2.9.9") }));
  return verdicts;
}

test("a change is answered once every endpoint has it; the next one takes no slot before the old ones are free", async () => {
  await node.program([podWith(1)]);
  await node.program([podWith(2)]);
  assert.deepEqual(await judged(1, 2), ["no-rule none", "rule tracked"]);
  assert.equal(ends.length, 1);

  const changes = [3, 4].map((port) => node.program([podWith(port)]));
  let answered = 0;
  for (const change of changes) change.then(() => answered++).catch(() => {});
  await settle();
  assert.equal(answered, 0);
  assert.deepEqual(await judged(3, 4), ["no-rule none", "no-rule none"]);

  ends.shift()?.();
  await changes[0];
  await settle();
  assert.equal(answered, 1);
  assert.deepEqual(await judged(3, 4), ["rule tracked", "no-rule none"]);

  ends.shift()?.();
  await changes[1];
  assert.deepEqual(await judged(4), ["rule tracked"]);
  ends.shift()?.();
});
