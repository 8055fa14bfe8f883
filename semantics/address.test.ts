import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressBytes, cidrContains, cidrRange, formatAddress, hostCidr, parseAddress, parseCidr } from "./address.ts";
import { address, cidr } from "./test/rules.ts";

const canonical: readonly (readonly [string, string])[] = [
  ["203.0.113.1", "203.0.113.1"],
  ["0.0.0.0", "0.0.0.0"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:db8::0001", "2001:db8::1"],
  ["::", "::"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["1::", "1::"],
  ["::1", "::1"],
  ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
  ["2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
];

test("addresses are read strictly and written as RFC 5952 says", () => {
  for (const [text, expected] of canonical) assert.deepEqual(parseAddress(text), { ok: true, value: expected });
});

const faulty = [
  "",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "01.2.3.4",
  "1.2.3.-4",
  "1.2.3.4 ",
  "0x1.2.3.4",
  "::ffff:1.2.3.4",
  "fe80::1%eth0",
  "1::2::3",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8",
  ":1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:",
  "12345::",
  "g::",
];

test("what is no address is refused, with a reason", () => {
  for (const text of faulty) {
    const parsed = parseAddress(text);
    assert.ok(!parsed.ok && parsed.problem.length > 0, text);
  }
});

test("S-4: a CIDR's host bits are cleared", () => {
  const written = [
    ["100.68.0.18/18", "100.68.0.0/18"],
    ["203.0.113.255/25", "203.0.113.128/25"],
    ["1.2.3.4/0", "0.0.0.0/0"],
    ["1.2.3.4/32", "1.2.3.4/32"],
    ["2001:db8:ffff::1/33", "2001:db8:8000::/33"],
    ["2001:DB8::1/128", "2001:db8::1/128"],
    ["ffff::/0", "::/0"],
  ];
  for (const [text = "", value] of written) assert.deepEqual(parseCidr(text), { ok: true, value });
});

test("what is no CIDR is refused, with a reason", () => {
  for (const text of [
    "1.2.3.4",
    "1.2.3.4/",
    "1.2.3.4/33",
    "1.2.3.4/08",
    "1.2.3.4/-1",
    "1.2.3.4/1/2",
    "::/129",
    "x/8",
  ]) {
    const parsed = parseCidr(text);
    assert.ok(!parsed.ok && parsed.problem.length > 0, text);
  }
});

test("S-8: CIDRs hold addresses of their own family", () => {
  assert.ok(cidrContains(cidr("0.0.0.0/0"), address("203.0.113.1")));
  assert.ok(!cidrContains(cidr("0.0.0.0/0"), address("::1")));
  assert.ok(!cidrContains(cidr("::/0"), address("203.0.113.1")));
  assert.ok(cidrContains(cidr("203.0.113.0/25"), address("203.0.113.127")));
  assert.ok(!cidrContains(cidr("203.0.113.0/25"), address("203.0.113.128")));
});

test("bytes of addresses and CIDRs are in network order", () => {
  assert.deepEqual(addressBytes(address("1.2.3.4")), { family: 4, bytes: Uint8Array.of(1, 2, 3, 4) });
  const { family, bytes, prefix } = cidrRange(cidr("2001:db8::/32"));
  assert.deepEqual([family, [...bytes.slice(0, 5)], prefix], [6, [0x20, 0x01, 0x0d, 0xb8, 0], 32]);
  assert.throws(() => addressBytes("1.2.3" as never), /1\.2\.3 was never parsed/);
});

test("the CIDR of one address", () => {
  assert.equal(hostCidr(address("203.0.113.1")), "203.0.113.1/32");
  assert.equal(hostCidr(address("2001:db8::1")), "2001:db8::1/128");
});

const bytes = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Runs of zero groups are what RFC 5952 is about.
  fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }).map((list) => Uint8Array.from(list)),
);

test("law: every address survives being written and read", () => {
  fc.assert(
    fc.property(bytes, (raw) => {
      const text = formatAddress(raw);
      assert.deepEqual(parseAddress(text), { ok: true, value: text });
      assert.deepEqual([...addressBytes(text).bytes], [...raw]);
    }),
  );
});

test("law: a CIDR holds exactly the addresses that share its prefix", () => {
  fc.assert(
    fc.property(bytes, fc.nat(128), fc.nat(127), (raw, length, flipped) => {
      const bits = raw.length * 8;
      const prefix = length % (bits + 1);
      const range = cidr(`${formatAddress(raw)}/${prefix}`);
      assert.ok(cidrContains(range, formatAddress(raw)));
      const bit = flipped % bits;
      const neighbour = raw.map((byte, index) => (index === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte));
      assert.equal(cidrContains(range, formatAddress(neighbour)), bit >= prefix);
    }),
  );
});
