import assert from "node:assert/strict";
import { test } from "node:test";
import { rule } from "../../../semantics/test/rules.ts";
import { constants, structs } from "../abi.generated.ts";
import { writeUntracked } from "./untracked.ts";

type Field = "untracked_in" | "untracked_out";
type Protocol = "tcp" | "udp";

interface Bits {
  ports(field: Field, family: 4 | 6, protocol: Protocol): string;
  local(protocol: Protocol): string;
}

/** Set bits as ranges: `80,443-445`. */
function rangesOf(bytes: Uint8Array): string {
  const ranges: string[] = [];
  let first: number | undefined;
  for (let port = 0; port <= 0x10000; port++) {
    const set = port <= 0xffff && ((bytes[port >> 3] ?? 0) & (1 << (port & 7))) !== 0;
    if (set && first === undefined) {
      first = port;
    } else if (!set && first !== undefined) {
      ranges.push(first === port - 1 ? `${first}` : `${first}-${port - 1}`);
      first = undefined;
    }
  }
  return ranges.join();
}

function compile(rules: readonly string[], tracked: readonly { protocol: 6 | 17; port: number }[] = []): Bits {
  const bytes = new Uint8Array(structs.policy.size);
  writeUntracked(rules.map(rule), tracked, bytes);
  const at = (field: Field | "tracked_local", index: number, protocol: Protocol) => {
    const offset = structs.policy.fields[field] + index * structs.port_bits.size + structs.port_bits.fields[protocol];
    return rangesOf(bytes.subarray(offset, offset + 8192));
  };
  return {
    ports: (field, family, protocol) =>
      at(field, family === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4, protocol),
    local: (protocol) => at("tracked_local", 0, protocol),
  };
}

const t1 = [
  "in tcp 22 from 203.0.113.1/32",
  "in tcp 80 from 0.0.0.0/0",
  "in tcp 80 from ::/0",
  "in icmp from 0.0.0.0/0",
];

test("S-50, T1: port 80 from anywhere is untracked in both families, port 22 from one address is not", () => {
  const bits = compile([...t1, "out all to 0.0.0.0/0", "out all to ::/0"]);
  assert.equal(bits.ports("untracked_in", 4, "tcp"), "80");
  assert.equal(bits.ports("untracked_in", 6, "tcp"), "80");
  assert.equal(bits.ports("untracked_in", 4, "udp"), "");
  assert.equal(bits.ports("untracked_out", 4, "tcp"), "");
});

test("S-51, T2: without egress to any IPv4 peer only IPv6 is untracked", () => {
  const bits = compile([...t1, "out all to ::/0"]);
  assert.equal(bits.ports("untracked_in", 4, "tcp"), "");
  assert.equal(bits.ports("untracked_in", 6, "tcp"), "80");
});

test("S-50 (b), T2a, T6: without every port to anybody the other way nothing is untracked", () => {
  assert.equal(compile(t1).ports("untracked_in", 4, "tcp"), "");
  const narrow = compile(["in tcp 80 from 0.0.0.0/0", "out tcp 1-65535 to 0.0.0.0/0"]);
  assert.equal(narrow.ports("untracked_in", 4, "tcp"), "");
  assert.equal(compile(["in tcp 80 from 0.0.0.0/0", "out all to 0.0.0.0/0"]).ports("untracked_out", 4, "tcp"), "");
});

test("S-56, T7: the initiating rule's ports are the remote's when the pod begins", () => {
  const bits = compile(["in tcp * from 0.0.0.0/0", "out tcp 443 to 0.0.0.0/0"]);
  assert.equal(bits.ports("untracked_out", 4, "tcp"), "443");
  assert.equal(bits.ports("untracked_in", 4, "tcp"), "");
});

test("T3: tcp and udp are judged each by itself", () => {
  const bits = compile(["in udp 53 from 0.0.0.0/0", "out udp * to 0.0.0.0/0", "in tcp 53 from 0.0.0.0/0"]);
  assert.equal(bits.ports("untracked_in", 4, "udp"), "53");
  assert.equal(bits.ports("untracked_in", 4, "tcp"), "");
});

test("S-57: two halves, a prefix list or a group are not any peer", () => {
  for (const peers of [["0.0.0.0/1", "128.0.0.0/1"], ["pl:everything"], ["sg:a/b"]]) {
    const bits = compile([...peers.map((peer) => `in tcp 80 from ${peer}`), "out all to 0.0.0.0/0"]);
    assert.equal(bits.ports("untracked_in", 4, "tcp"), "", peers.join());
  }
});

test("ranges may overlap, and both ends of the space count", () => {
  const bits = compile(["in tcp 0-9 from 0.0.0.0/0", "in tcp 5-65535 from 0.0.0.0/0", "out all to 0.0.0.0/0"]);
  assert.equal(bits.ports("untracked_in", 4, "tcp"), "0-65535");
});

test("S-60: tracked local ports are set by protocol", () => {
  const bits = compile(
    [],
    [
      { protocol: 6, port: 8080 },
      { protocol: 17, port: 65_535 },
    ],
  );
  assert.deepEqual([bits.local("tcp"), bits.local("udp")], ["8080", "65535"]);
});
