import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arbitraryPacket, arbitraryRule, arbitraryRules, rulePermits, sets } from "../test/arbitrary.ts";
import { Bench, type Policy } from "../test/bench.ts";
import { pod, type Sent, tcp, udp } from "../test/packets.ts";
import { rule } from "../test/rules.ts";

const dns = ["10.96.0.10"];
const fresh = (rules: readonly string[], policy: Policy = {}): Bench => new Bench({ rules, dns, ...sets, ...policy });

/** Changes of policy and time between packets. */
const arbitraryStep = fc.oneof(
  { weight: 12, arbitrary: arbitraryPacket.map((sent) => ({ sent })) },
  { weight: 1, arbitrary: arbitraryRules.map((rules) => ({ change: { rules } })) },
  { weight: 1, arbitrary: fc.nat(8).map((conntrackMax) => ({ change: { allowances: { conntrackMax } } })) },
  { weight: 1, arbitrary: fc.constantFrom(0.25, 5, 10, 31, 181, 400).map((seconds) => ({ seconds })) },
);

const history = fc.array(arbitraryStep, { maxLength: 60 });

test("law: a rule more never closes anything (S-1, S-2)", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRule, arbitraryPacket, (rules, more, sent) => {
      if (fresh(rules).judge(sent).pass) assert.ok(fresh([...rules, more]).judge(sent).pass);
    }),
    { numRuns: 1000 },
  );
});

test("law: the order of rules, and so of groups, means nothing (S-2)", () => {
  fc.assert(
    fc.property(
      arbitraryRules.chain((rules) =>
        fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })),
      ),
      fc.array(arbitraryPacket, { maxLength: 20 }),
      ([rules, shuffled], packets) => {
        const [one, two] = [fresh(rules), fresh(shuffled)];
        for (const sent of packets) assert.equal(one.says(sent), two.says(sent));
        assert.deepEqual(one.rows, two.rows);
      },
    ),
    { numRuns: 300 },
  );
});

const answerOf = ({ direction, packet: { transport, source, destination } }: Sent): Sent | undefined => {
  if (transport.kind !== "tcp" && transport.kind !== "udp") return undefined;
  const back = direction === "ingress" ? "egress" : "ingress";
  const remote = direction === "ingress" ? source : destination;
  const [port, remotePort] =
    direction === "ingress" ? [transport.port, transport.sourcePort] : [transport.sourcePort, transport.port];
  return transport.kind === "tcp"
    ? tcp(back, { remote, port, remotePort }, "ACK")
    : udp(back, { remote, port, remotePort });
};

test("law: an untracked flow is permitted both ways, and the answer is untracked too (S-50, S-56)", () => {
  fc.assert(
    fc.property(arbitraryRules, fc.boolean(), arbitraryPacket, (rules, out, sent) => {
      const open = [...rules, out ? "out all to 0.0.0.0/0" : "in tcp * from 0.0.0.0/0", "in tcp 80 from 0.0.0.0/0"];
      if (fresh(open).judge(sent).reason !== "untracked") return;
      const answer = answerOf(sent);
      assert.ok(answer !== undefined, "only TCP and UDP are untracked (S-33)");
      assert.ok(
        open.some((text) => rulePermits(rule(text), sent)),
        "its own direction",
      );
      assert.ok(
        open.some((text) => rulePermits(rule(text), answer)),
        "the other one",
      );
      assert.equal(fresh(open).says(answer), "untracked untracked");
    }),
    { numRuns: 1000 },
  );
});

test("law: entries never exceed the maximum they were admitted under, and the gauge is their number (S-70, S-71)", () => {
  fc.assert(
    fc.property(arbitraryRules, fc.nat(6), history, (rules, conntrackMax, steps) => {
      const bench = fresh(rules, { allowances: { conntrackMax } });
      let most = conntrackMax;
      for (const step of steps) {
        const before = bench.metrics.conntrack_used;
        if ("sent" in step) bench.judge(step.sent);
        else if ("seconds" in step) bench.advance(step.seconds);
        else bench.change(step.change);
        if ("change" in step && "allowances" in step.change) most = step.change.allowances.conntrackMax;
        const { conntrack_used, conntrack_allowance_available } = bench.metrics;
        assert.ok(conntrack_used <= Math.max(before, most), "only below the maximum is one added");
        assert.equal(conntrack_used, bench.rows.length);
        assert.equal(conntrack_allowance_available, Math.max(0, most - conntrack_used));
      }
    }),
    { numRuns: 300 },
  );
});

test("law: a tracked flow survives every change of rules that leaves it tracked (S-54)", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRules, arbitraryPacket, (before, after, sent) => {
      const bench = fresh(before);
      if (bench.says(sent) !== "rule tracked" || sent.packet.fragment !== undefined) return;
      bench.change({ rules: after });
      assert.match(bench.says(sent), /^(connection tracked|untracked untracked)$/);
    }),
    { numRuns: 1000 },
  );
});

test("law: the rules of one family say nothing of the other's packets (S-8, S-51)", () => {
  const speaksOf = (text: string, family: 4 | 6): boolean =>
    /sg:|pl:/.test(text) || text.includes("::") === (family === 6);
  fc.assert(
    fc.property(arbitraryRules, fc.array(arbitraryPacket, { maxLength: 20 }), (rules, packets) => {
      for (const family of [4, 6] as const) {
        const [all, own] = [fresh(rules), fresh(rules.filter((text) => speaksOf(text, family)))];
        for (const sent of packets.filter(({ packet }) => packet.family === family))
          assert.equal(all.says(sent), own.says(sent));
      }
    }),
    { numRuns: 300 },
  );
});

test("law: what neither a rule nor an entry permits never passes (S-1)", () => {
  const excused = new Set(["exempt", "related"]);
  fc.assert(
    fc.property(arbitraryRules, arbitraryPacket, (rules, sent) => {
      const { pass, reason } = fresh(rules).judge(sent);
      if (!pass || excused.has(reason)) return;
      assert.ok(rules.some((text) => rulePermits(rule(text), sent)));
    }),
    { numRuns: 1000 },
  );
});

/** Fails where the packet passes by a rule that is not there, or by an entry in an empty table. */
function assertGrounds(bench: Bench, rules: readonly string[], sent: Sent): void {
  const entries = bench.rows.length;
  const { reason } = bench.judge(sent);
  const byRules = (reason === "rule" || reason === "untracked") && sent.packet.transport.kind !== "fragment";
  if (byRules) assert.ok(rules.some((text) => rulePermits(rule(text), sent)));
  if (reason === "connection") assert.ok(entries > 0);
}

test("law: what passes by a rule is permitted now, and by a connection only where an entry was (S-1, S-30)", () => {
  fc.assert(
    fc.property(arbitraryRules, history, (rules, steps) => {
      const bench = fresh(rules);
      let current: readonly string[] = rules;
      for (const step of steps) {
        if ("sent" in step) assertGrounds(bench, current, step.sent);
        else if ("seconds" in step) bench.advance(step.seconds);
        else bench.change(step.change);
        if ("change" in step && "rules" in step.change) current = step.change.rules;
      }
    }),
    { numRuns: 300 },
  );
});

test("law: a group that permits nothing lets nothing in but what is exempt, whatever was sent before", () => {
  fc.assert(
    fc.property(fc.array(arbitraryPacket, { maxLength: 40 }), (packets) => {
      const bench = fresh([]);
      for (const sent of packets) {
        const { pass, reason } = bench.judge(sent);
        assert.ok(!pass || reason === "exempt", reason);
      }
      assert.equal(bench.model.connections(pod.uid).length, 0);
    }),
    { numRuns: 300 },
  );
});
