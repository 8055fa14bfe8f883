import assert from "node:assert/strict";
import { after, test } from "node:test";
import { BpfError } from "../../loader/error.ts";
import { openBpf } from "../../loader/open.ts";
import type { BpfMap } from "../../loader/ports.ts";
import { u32Bytes } from "../bytes.ts";
import { InnerMaps } from "./inner-maps.ts";

const bpf = openBpf();
const open: BpfMap[] = [];
after(() => {
  for (const map of open) map.close();
});

function makeInner(): BpfMap {
  const map = bpf.createMap({ type: "array", name: "inner", keySize: 4, valueSize: 8, maxEntries: 1 });
  open.push(map);
  return map;
}

function makeOuter(): BpfMap {
  const spec = { type: "array-of-maps", name: "outer", keySize: 4, valueSize: 4, maxEntries: 8 } as const;
  const map = bpf.createMap({ ...spec, innerMap: makeInner() });
  open.push(map);
  return map;
}

/** Ids of the inner maps that programs find, by slot. */
function found(outer: BpfMap): (number | undefined)[] {
  return Array.from({ length: outer.maxEntries }, (_, slot) => {
    const id = outer.lookup(u32Bytes(slot));
    return id && new DataView(id.buffer).getUint32(0, true);
  });
}

test("an inner map is made once for each slot, and found by programs after it was published", () => {
  const outer = makeOuter();
  const maps = new InnerMaps(outer, makeInner);
  const [two, five] = [maps.at(2), maps.at(5)];
  assert.equal(maps.at(2), two);
  assert.equal(maps.get(3), undefined);
  assert.deepEqual(
    found(outer).filter((id) => id !== undefined),
    [],
  );
  maps.publish();
  assert.deepEqual([found(outer)[2], found(outer)[5]], [two.id, five.id]);
});

test("lesson 14: maps whose publication failed are published the next time, together with what was made since", () => {
  const outer = makeOuter();
  let broken = true;
  const faulty: BpfMap = Object.create(outer, {
    updateMany: {
      value: (entries: Parameters<BpfMap["updateMany"]>[0]) => {
        if (broken) throw new BpfError("update map outer", "ENOMEM");
        outer.updateMany(entries);
      },
    },
  });
  const maps = new InnerMaps(faulty, makeInner);
  const first = maps.at(1);
  assert.throws(() => maps.publish(), { code: "ENOMEM" });
  broken = false;
  const second = maps.at(4);
  maps.publish();
  assert.deepEqual([found(outer)[1], found(outer)[4]], [first.id, second.id]);
});

test("what is published is not written again: each write makes the kernel wait", () => {
  const outer = makeOuter();
  const written: number[] = [];
  const counting: BpfMap = Object.create(outer, {
    updateMany: {
      value: (entries: Parameters<BpfMap["updateMany"]>[0]) => {
        written.push(entries.length);
        outer.updateMany(entries);
      },
    },
  });
  const maps = new InnerMaps(counting, makeInner);
  for (const slot of [1, 2, 3]) maps.at(slot);
  maps.publish();
  maps.at(2);
  maps.publish();
  maps.at(6);
  maps.publish();
  assert.deepEqual(written, [3, 0, 1]);
});
