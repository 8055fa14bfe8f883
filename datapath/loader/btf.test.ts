import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { findBtfSection, parseBtf } from "./btf.ts";

const object = readFileSync(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));

test("the type information of the real object tells layouts as C lays them out", () => {
  const btf = parseBtf(findBtfSection(object));
  // struct address_key of abi.h: four words and one more.
  assert.deepEqual(btf.structs.get("address_key"), {
    size: 20,
    members: [
      { name: "address", offset: 0 },
      { name: "family", offset: 16 },
    ],
  });
  assert.deepEqual(btf.enums.get("direction"), [
    ["DIRECTION_INGRESS", 0],
    ["DIRECTION_EGRESS", 1],
    ["DIRECTIONS", 2],
  ]);
});

test("variables of .rodata come with their place and size", () => {
  const rodata = parseBtf(findBtfSection(object)).sections.get(".rodata") ?? [];
  const found = rodata.find(({ name }) => name === "clock_shift");
  assert.equal(found?.size, 4);
  assert.equal((found?.offset ?? 1) % 4, 0);
});

test("bit fields have their byte, not their bit count folded into the offset", () => {
  // BTF of `struct s { unsigned a : 3; unsigned b : 5; unsigned c; }`, written out by hand.
  const strings = Buffer.from("\0int\0s\0a\0b\0c\0");
  const at = (name: string) => strings.indexOf(`\0${name}\0`) + 1;
  const word = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
  const types = Buffer.concat([
    word(at("int"), 1 << 24, 4, 32),
    word(at("s"), (0x80000000 | (4 << 24) | 3) >>> 0, 8),
    word(at("a"), 1, 3 << 24),
    word(at("b"), 1, (5 << 24) | 3),
    word(at("c"), 1, 32),
  ]);
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  header.writeUInt32LE(24, 4);
  header.writeUInt32LE(types.length, 12);
  header.writeUInt32LE(types.length, 16);
  header.writeUInt32LE(strings.length, 20);
  const struct = parseBtf(Buffer.concat([header, types, strings])).structs.get("s");
  assert.deepEqual(
    struct?.members.map(({ offset }) => offset),
    [0, 0, 4],
  );
});

test("what is no object, or has no type information, is refused with the remedy", () => {
  assert.throws(() => findBtfSection(Buffer.from("#!/bin/sh")), /not an ELF object/);
  assert.throws(() => parseBtf(Buffer.alloc(64)), /compile the object with -g/);
  const nameless = Buffer.from(object);
  for (let at = nameless.indexOf(".BTF\0"); at >= 0; at = nameless.indexOf(".BTF\0")) {
    nameless.write(".XXX", at);
  }
  assert.throws(() => findBtfSection(nameless), /no .BTF section: compile the object with -g/);
});
