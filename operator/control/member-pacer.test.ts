import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressSet, Cidr } from "../../semantics/policy.ts";
import type { StoredObject } from "../ports.ts";
import { FakeTimers } from "../test/timers.ts";
import { MemberPacer } from "./member-pacer.ts";

/** Sets behind a pacer: what they should be, what they are, and who wakes whom when. */
function paced(interval: number, sets: Readonly<Record<string, readonly string[]>>) {
  const timers = new FakeTimers();
  const woken: string[] = [];
  const pacer = new MemberPacer(timers, interval, (name, delay) => void woken.push(`${name} ${delay}`));
  const are = new Map(Object.entries(sets));
  const wanted = new Map(are);
  const specOf = (name: string, cidrs: readonly string[]): AddressSet => ({
    kind: "members",
    name,
    groups: [],
    cidrs: cidrs as readonly Cidr[],
  });
  const stored = (name: string): StoredObject => ({
    apiVersion: "node.sallyport.dev/v1alpha1",
    kind: "AddressSet",
    metadata: { name, uid: name, resourceVersion: "1", generation: 1, creationTimestamp: "" },
    spec: specOf(name, are.get(name) ?? []),
  });
  /** What a round about these sets, and those that wait, writes. */
  const round = (...names: readonly string[]): readonly string[] => {
    const about = [...new Set([...names, ...pacer.waiting])].filter((name) => are.get(name) !== wanted.get(name));
    const writes = about.map((name) => ({ ...stored(name), spec: specOf(name, wanted.get(name) ?? []) }));
    const now = pacer.pace({ AddressSet: about.map(stored) }, { writes, losing: new Set(), removals: [] });
    const gone = now.writes.map(({ metadata }) => metadata.name);
    for (const name of gone) are.set(name, wanted.get(name) ?? []);
    return gone;
  };
  const change = (name: string, ...cidrs: readonly string[]) => {
    wanted.set(name, cidrs);
    return round(name);
  };
  return { timers, pacer, woken, round, change, are };
}

test("a lone change goes at once, what follows within the interval is one write at its end", async () => {
  const { timers, woken, round, change, are } = paced(1000, { a: [], b: [] });
  assert.deepEqual(change("a", "1"), ["a"]);
  for (const last of ["2", "3", "4"]) {
    await timers.pass(100);
    assert.deepEqual(change("a", "1", last), []);
  }
  assert.deepEqual(change("b", "9"), ["b"], "another set is not concerned");
  assert.deepEqual([...new Set(woken)], ["a 900", "a 800", "a 700"]);
  await timers.pass(700);
  assert.deepEqual(round(), ["a"]);
  assert.deepEqual(are.get("a"), ["1", "4"]);
  await timers.pass(1000);
  assert.deepEqual(change("a", "1"), ["a"], "alone again");
});

test("what is as it was before its turn comes is not written, and nobody waits for it", async () => {
  const { timers, woken, pacer, change } = paced(1000, { a: [] });
  change("a", "1");
  await timers.pass(100);
  change("a", "1", "2");
  const before = woken.length;
  const { writes } = pacer.pace({ AddressSet: [] }, { writes: [], losing: new Set(), removals: [] });
  assert.deepEqual([writes, [...pacer.waiting]], [[], []]);
  assert.equal(woken.length, before);
});

test("nothing waits longer than an interval, however often what it waits for is written", async () => {
  const { timers, woken, change, round, are } = paced(1000, { a: ["1"], b: ["2", "8"], c: [] });
  change("a", "1", "9");
  await timers.pass(900);
  change("b", "2", "8", "7");
  await timers.pass(50);
  // 1 and 2 change places: each set gains what the other loses.
  change("a", "2", "9");
  assert.deepEqual(change("b", "1", "8"), []);
  await timers.pass(50);
  assert.deepEqual(round(), [], "a was not written just now, but loses 1 to b, which was");
  await timers.pass(500);
  change("c", "6");
  await timers.pass(100);
  change("b", "1");
  assert.deepEqual(change("c", "6", "8"), []);
  await timers.pass(300);
  assert.deepEqual(round(), [], "b loses 8 to c now, which was written just now");
  assert.match(woken.at(-1) ?? "", / 50$/);
  await timers.pass(50);
  assert.deepEqual(round().toSorted(), ["a", "b", "c"], "a and b have waited long enough");
  assert.deepEqual(Object.fromEntries(are), { a: ["2", "9"], b: ["1"], c: ["6", "8"] });
});

test("without an interval, and after it forgot, nothing waits", async () => {
  const { change } = paced(0, { a: [] });
  assert.deepEqual([change("a", "1"), change("a", "2")], [["a"], ["a"]]);
  const later = paced(1000, { a: [] });
  later.change("a", "1");
  later.change("a", "2");
  later.pacer.forget();
  assert.deepEqual([...later.pacer.waiting], []);
  assert.deepEqual(later.change("a", "3"), ["a"]);
});
