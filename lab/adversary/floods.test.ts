import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addressBytes, formatAddress } from "../../semantics/address.ts";
import type { Address } from "../../semantics/policy.ts";
import { conversation } from "../engine/test/fixture.ts";
import { Arena, reasons } from "./arena.ts";
import { attacker, attackerRules, outside, victim, victimRules } from "./cast.ts";
import { flag, fragmentHeader, icmp, icmp6, ip4, ip6, other, tcp, udp } from "./frame.ts";

const size = 600;
/** Entries that the attacker may have: fewer than any flood needs. */
const maximum = 100;

const arena = await Arena.open();
after(() => arena.close());

const rates = { packets: { perSecond: 100_000, burst: 100_000 } };
const policies = [
  { pod: attacker, rules: attackerRules, allowances: { conntrackMax: maximum, ...rates } },
  { pod: victim, rules: victimRules, allowances: { conntrackMax: 10, ...rates } },
];
before(async () => {
  await arena.reset(policies);
  for (const [name, protocol, port, family] of [
    ["web", 6, 80, 4],
    ["web6", 6, 80, 6],
    ["dns", 17, 53, 4],
  ] as const)
    assert.equal(await arena.connect(conversation(name, [outside, victim], protocol, port, { family })), true);
});

/** An address of the same network as another's, made from a number. */
function numbered(like: Address, index: number): Address {
  const { bytes } = addressBytes(like);
  const copy = bytes.slice();
  copy.set([(index >> 8) & 255, index & 255], bytes.length - 2);
  return formatAddress(copy);
}

const out4 = () => arena.route(attacker, outside, 4);
const out6 = () => arena.route(attacker, outside, 6);

interface Flood {
  readonly make: (index: number) => Uint8Array;
  /** What becomes of the packets of a flood that follows others, at the maximum. */
  readonly reason: string;
}

const floods: Record<string, Flood> = {
  SYN: { make: (index) => ip4(out4(), tcp({ from: index, to: 443, flags: flag.SYN })), reason: "conntrack-allowance" },
  "SYN over IPv6": {
    make: (index) => ip6(out6(), tcp({ from: index, to: 443, flags: flag.SYN })),
    reason: "conntrack-allowance",
  },
  UDP: { make: (index) => ip4(out4(), udp(index, 53)), reason: "conntrack-allowance" },
  ping: { make: (index) => ip4(out4(), icmp(8, index)), reason: "conntrack-allowance" },
  "ping over IPv6": { make: (index) => ip6(out6(), icmp6(128, index)), reason: "conntrack-allowance" },
  "other protocols, to many": {
    make: (index) => ip4({ ...out4(), destination: numbered(out4().destination, index) }, other(150 + (index % 100))),
    reason: "conntrack-allowance",
  },
  "first fragments": {
    make: (index) => ip4(out4(), udp(index, 53), { id: index, fragment: { offset: 0, more: true } }),
    reason: "conntrack-allowance",
  },
  "first fragments over IPv6": {
    make: (index) => ip6(out6(), udp(index, 53), { extensions: [fragmentHeader(index, 0, true)] }),
    reason: "conntrack-allowance",
  },
  "later fragments": {
    make: (index) => ip4(out4(), other(17), { id: 30_000 + index, fragment: { offset: 64, more: false } }),
    reason: "fragment",
  },
  "forged sources": {
    make: (index) => ip4({ ...out4(), source: numbered(out4().source, 1000 + index) }, udp(7, 53)),
    reason: "spoofed",
  },
  "forged sources over IPv6": {
    make: (index) => ip6({ ...out6(), source: numbered(out6().source, 1000 + index) }, udp(7, 53)),
    reason: "spoofed",
  },
  "in mid-stream": {
    make: (index) => ip4(out4(), tcp({ from: 8080, to: index, flags: flag.ACK })),
    reason: "conntrack-allowance",
  },
  malformed: { make: (index) => ip4(out4(), tcp({ from: index, to: 443, flags: 0 })), reason: "malformed" },
  "at the victim's closed ports": {
    make: (index) => ip4(arena.route(attacker, victim), udp(index, 54)),
    reason: "conntrack-allowance",
  },
};

/** Fills the attacker's allowance, so that each flood that is to be refused is refused wholly. */
async function fill(): Promise<void> {
  await arena.fire(
    attacker,
    outside,
    Array.from({ length: maximum }, (_, index) => ip4(out4(), udp(60_000 + index, 9))),
  );
  assert.equal((await arena.metrics(attacker)).conntrack_used, maximum);
}

let port = 52_000;

for (const [name, { make, reason }] of Object.entries(floods))
  test(`conventions 18: a flood hurts only the pod that makes it: ${name}`, async () => {
    await fill();
    const [victimBefore, rows] = [await arena.metrics(victim), await arena.connections(victim)];
    const { packets } = await arena.metrics(attacker);
    await arena.fire(
      attacker,
      outside,
      Array.from({ length: size }, (_, index) => make(1 + index)),
    );
    const now = await arena.metrics(attacker);
    const told = now.packets.egress as Readonly<Record<string, number>>;
    const before = packets.egress as Readonly<Record<string, number>>;
    assert.equal((told[reason] ?? 0) - (before[reason] ?? 0), size);
    assert.deepEqual([now.conntrack_used, (await arena.connections(attacker)).length], [maximum, maximum]);
    assert.deepEqual([await arena.metrics(victim), await arena.connections(victim)], [victimBefore, rows]);
    for (const open of ["web", "web6", "dns"]) assert.equal(await arena.exchange(open), true, open);
    port += 1;
    assert.equal(await arena.connect(conversation("new", [outside, victim], 6, 80, { sourcePort: port })), true);
    assert.equal((await arena.metrics(victim)).conntrack_used, victimBefore.conntrack_used + 1);
    await clearNew();
  });

/** Ends what a test began, so that the victim's ten entries last. */
async function clearNew(): Promise<void> {
  const route = arena.route(outside, victim);
  await arena.fire(outside, victim, [ip4(route, tcp({ from: port, to: 80, flags: flag.RST }))]);
  await arena.advance(10);
}

test("an admitted flood gets the attacker's own allowance, to the last entry, and the victim's stays (S-71)", async () => {
  await arena.advance(400);
  const before = (await arena.metrics(victim)).conntrack_allowance_available;
  const flood = Array.from({ length: size }, (_, index) =>
    ip4(arena.route(attacker, victim), tcp({ from: 1 + index, to: 81, flags: flag.SYN })),
  );
  const records = await arena.fire(attacker, victim, flood);
  const told = reasons(records, attacker, "egress");
  assert.equal(told.filter((reason) => reason === "rule").length, maximum);
  assert.equal(reasons(records, victim, "ingress").filter((reason) => reason === "no-rule").length, maximum);
  assert.equal((await arena.metrics(victim)).conntrack_allowance_available, before);
});

test("a pod over its packet rate takes none of its neighbour's (S-74)", async () => {
  const slow = { packets: { perSecond: 1, burst: 50 } };
  await arena.program([
    { pod: attacker, rules: attackerRules, allowances: { ...slow } },
    { pod: victim, rules: victimRules, allowances: { ...slow } },
  ]);
  // Both buckets are full again.
  await arena.advance(100);
  const before = await arena.metrics(victim);
  await arena.fire(
    attacker,
    outside,
    Array.from({ length: size }, () => ip4(out4(), udp(7, 53))),
  );
  assert.equal((await arena.metrics(attacker)).pps_allowance_exceeded, size - 50);
  assert.equal((await arena.metrics(victim)).pps_allowance_exceeded, before.pps_allowance_exceeded);
  const own = Array.from({ length: 50 }, () => ip4(arena.route(outside, victim), udp(7, 53)));
  const records = reasons(await arena.fire(outside, victim, own), victim, "ingress");
  assert.equal(records.filter((reason) => reason === "packet-allowance").length, 0);
});
