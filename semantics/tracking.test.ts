import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rule } from "./policy.ts";
import { rule } from "./test/rules.ts";
import { anyPeerAllPorts, anyPeerPorts, isAnyPeer } from "./tracking.ts";

const rules = (...texts: readonly string[]): Rule[] => texts.map(rule);
const peer = (whom: string) => rule(`in all from ${whom}`).peer;

test("S-57: only the literal /0 of a family is any peer", () => {
  assert.ok(isAnyPeer(peer("0.0.0.0/0"), 4));
  assert.ok(isAnyPeer(peer("::/0"), 6));
  for (const [whom, family] of [
    ["0.0.0.0/0", 6],
    ["::/0", 4],
    ["0.0.0.0/1", 4],
    ["pl:everything", 4],
    ["sg:default/all", 4],
  ] as const)
    assert.ok(!isAnyPeer(peer(whom), family), `${whom} in IPv${family}`);
});

test("S-50 (a): the ports that any-peer rules permit, by direction, protocol and family", () => {
  const some = rules(
    "in tcp 80 from 0.0.0.0/0",
    "in tcp 8000-8999 from 0.0.0.0/0",
    "in udp 53 from 0.0.0.0/0",
    "in tcp 22 from 203.0.113.0/24",
    "in tcp 443 from ::/0",
    "in icmp from 0.0.0.0/0",
    "out tcp 25 to 0.0.0.0/0",
  );
  assert.deepEqual(anyPeerPorts(some, "ingress", 6, 4), [
    { from: 80, to: 80 },
    { from: 8000, to: 8999 },
  ]);
  assert.deepEqual(anyPeerPorts(some, "ingress", 17, 4), [{ from: 53, to: 53 }]);
  assert.deepEqual(anyPeerPorts(some, "ingress", 6, 6), [{ from: 443, to: 443 }]);
  assert.deepEqual(anyPeerPorts(some, "egress", 6, 4), [{ from: 25, to: 25 }]);
  assert.deepEqual(anyPeerPorts(some, "egress", 17, 4), []);
});

test("S-50 (b), S-57: all ports in one literal rule, or the rule says all protocols", () => {
  const holds = (...texts: readonly string[]) => anyPeerAllPorts(rules(...texts), "egress", 6, 4);
  assert.ok(holds("out all to 0.0.0.0/0"));
  assert.ok(holds("out tcp 0-65535 to 0.0.0.0/0"));
  assert.ok(!holds("out tcp 1-65535 to 0.0.0.0/0"));
  assert.ok(!holds("out tcp 0-100 to 0.0.0.0/0", "out tcp 101-65535 to 0.0.0.0/0"));
  assert.ok(!holds("out all to 0.0.0.0/1", "out all to 128.0.0.0/1"));
  assert.ok(!holds("out udp * to 0.0.0.0/0"));
  assert.ok(!holds("out all to ::/0"));
  assert.ok(!holds("in all from 0.0.0.0/0"));
  assert.ok(!holds());
});
