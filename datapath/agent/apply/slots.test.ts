import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { addressBytes } from "../../../semantics/address.ts";
import { address, cidr, ruleSet } from "../../../semantics/test/rules.ts";
import { openBpf } from "../../loader/open.ts";
import type { BpfMap, MapSpec } from "../../loader/ports.ts";
import { constants, structs } from "../abi.generated.ts";
import { StructView, u32Bytes } from "../bytes.ts";
import { compileRuleSet, type PolicyImage } from "../compile/policy.ts";
import { prefixKey } from "../compile/prefixes.ts";
import { groupLabel } from "../compile/rules.ts";
import { digestOf, type InstalledPolicy, type PolicyMaps, PolicySlots } from "./slots.ts";

const bpf = openBpf();
const open: BpfMap[] = [];
after(() => {
  for (const map of open) map.close();
});

function make(spec: Omit<MapSpec, "name">): BpfMap {
  const map = bpf.createMap({ name: "slots_test", ...spec });
  open.push(map);
  return map;
}

/** The maps of a node, small. */
function makeMaps(): PolicyMaps {
  const u32 = { keySize: 4, valueSize: 4 };
  const trie = { keySize: structs.prefix_key.size, valueSize: structs.prefix_rows.size };
  const policyInner = make({ type: "array", keySize: 4, valueSize: structs.policy.size, maxEntries: 1 });
  const trieInner = make({ type: "lpm-trie", ...trie, maxEntries: 262_144, flags: ["no-prealloc"] });
  const identity = { keySize: structs.identity_key.size, valueSize: structs.identity_rows.size };
  return {
    policies: make({ type: "array-of-maps", ...u32, maxEntries: constants.POLICY_SLOTS, innerMap: policyInner }),
    prefixes: make({ type: "array-of-maps", ...u32, maxEntries: constants.POLICY_SLOTS, innerMap: trieInner }),
    rows: make({ type: "array", keySize: 4, valueSize: structs.row.size, maxEntries: 64 }),
    identity_rows: make({ type: "hash", ...identity, maxEntries: 64, flags: ["no-prealloc"] }),
    rule_hits: make({ type: "percpu-array", keySize: 4, valueSize: 8, maxEntries: 64 }),
  };
}

let maps = makeMaps();
let slots = new PolicySlots(bpf, maps);
beforeEach(() => {
  maps = makeMaps();
  slots = new PolicySlots(bpf, maps);
});

function image(...rules: string[]) {
  const combinations = new Map([[7, new Set([groupLabel("a/b")])]]);
  return compileRuleSet(ruleSet(rules), [], new Map(), combinations);
}

/** Installs an image as the programs can find it. */
function install(content: PolicyImage, into = slots): InstalledPolicy {
  const installed = into.install(content, digestOf(content));
  into.publish();
  return installed;
}

/** Four hit counters: the group's rule counts in each family. */
const web = image("in tcp 80 from 10.0.0.0/8", "in tcp 443 from sg:a/b", "out all to 0.0.0.0/0");

function inner(outer: BpfMap, slot: number): BpfMap {
  const id = outer.lookup(u32Bytes(slot)) ?? assert.fail(`slot ${slot} is empty`);
  const map = bpf.openMap(new DataView(id.buffer, id.byteOffset).getUint32(0, true));
  open.push(map);
  return map;
}

function policyAt(slot: number): StructView<"policy"> {
  const bytes = inner(maps.policies, slot).lookup(u32Bytes(0)) ?? assert.fail("no policy");
  return new StructView("policy", bytes.buffer, bytes.byteOffset);
}

test("an installed policy can be found from its slot as the programs find it", () => {
  const { slot, firstRow, firstHit } = install(web);
  const policy = policyAt(slot);
  assert.deepEqual([policy.u32("first_row"), policy.u32("row_count")], [firstRow, web.rows.length]);
  assert.deepEqual([policy.u32("first_hit"), policy.u32("hit_count")], [firstHit, 4]);
  web.rows.forEach((row, index) => {
    assert.deepEqual(maps.rows.lookup(u32Bytes(firstRow + index)), row);
  });
  const { bytes } = addressBytes(address("10.1.2.3"));
  assert.ok(inner(maps.prefixes, slot).lookup(prefixKey(4, 32, bytes)) !== undefined);
  assert.equal([...maps.identity_rows.entries()].length, 1);
});

test("slot 0 stands for none and is never given out", () => {
  assert.notEqual(install(web).slot, 0);
});

test("two policies share no slot, no row and no hit counter", () => {
  const [one, two] = [install(web), install(image("in udp 53 from 10.0.0.0/8"))];
  assert.notEqual(one.slot, two.slot);
  assert.ok(two.firstRow >= one.firstRow + web.rows.length);
  assert.ok(two.firstHit >= one.firstHit + 4);
});

test("a released slot is used again with nothing of the old policy in it", () => {
  const first = install(web);
  slots.release(first);
  const other = image("in udp 53 from 192.0.2.0/24");
  const second = install(other);
  assert.equal(second.slot, first.slot);
  assert.deepEqual([...maps.identity_rows.entries()], []);
  const { bytes } = addressBytes(address("10.1.2.3"));
  assert.equal(inner(maps.prefixes, second.slot).lookup(prefixKey(4, 32, bytes)), undefined);
  assert.equal(policyAt(second.slot).u32("row_count"), other.rows.length);
});

test("hit counters of a new policy begin at zero", () => {
  const counted = new Uint8Array(maps.rule_hits.valueSize * bpf.possibleCpus).fill(1);
  for (let index = 0; index < maps.rule_hits.maxEntries; index++) maps.rule_hits.update(u32Bytes(index), counted);
  const { firstHit } = install(web);
  assert.deepEqual(
    maps.rule_hits.lookup(u32Bytes(firstHit + 3)),
    counted.map(() => 0),
  );
  assert.deepEqual(maps.rule_hits.lookup(u32Bytes(firstHit + 4)), counted);
});

test("a new agent takes a policy that is there already as it is, by its content", () => {
  const first = install(web);
  const next = new PolicySlots(bpf, maps);
  next.adopt(first.slot, inner(maps.policies, first.slot));
  assert.deepEqual(install(web, next), first);
});

test("what a former agent left is given to nobody until it is released", () => {
  const first = install(web);
  const next = new PolicySlots(bpf, maps);
  next.adopt(first.slot, inner(maps.policies, first.slot));
  const other = image("in udp 53 from 10.0.0.0/8");
  const second = install(other, next);
  assert.notEqual(second.slot, first.slot);
  assert.ok(second.firstRow >= first.firstRow + web.rows.length);
  assert.ok(next.hasAdopted());
  next.releaseAdopted();
  assert.ok(!next.hasAdopted());
  assert.deepEqual([...maps.identity_rows.entries()], []);
  assert.equal(install(web, next).slot, first.slot);
});

test("the digest tells contents apart, down to one prefix or one identity", () => {
  const one = { ...web, prefixes: [...web.prefixes, [prefixKey(4, 32, new Uint8Array(4)), u32Bytes(0)] as const] };
  const two = { ...web, identities: new Map([[8, [0, 0, 0, 0]]]) };
  assert.equal(new Set([web, one, two].map(digestOf)).size, 3);
  assert.equal(digestOf(image("in all from 10.0.0.0/8")), digestOf(image("in all from 10.0.0.0/8")));
});

test("rows that do not fit are an error that names the map, and cost no slot", () => {
  const big = image(...Array.from({ length: 70 }, (_, i) => `in tcp ${i} from ${cidr(`10.${i}.0.0/16`)}`));
  assert.throws(() => install(big), /map rows has no room for \d+ more entries of 64/);
  assert.equal(install(web).slot, 1);
});

test("what does not fit into a map leaves no identity behind for the slot's next policy", () => {
  const combinations = new Map(Array.from({ length: 100 }, (_, i) => [i + 1, new Set([groupLabel("a/b")])] as const));
  const crowded = compileRuleSet(ruleSet(["in tcp 443 from sg:a/b"]), [], new Map(), combinations);
  assert.throws(() => install(crowded), { code: "E2BIG" });
  assert.deepEqual([...maps.identity_rows.entries()], []);
  assert.equal(install(web).slot, 1);
});
