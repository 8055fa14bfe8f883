import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openBpf } from "../../datapath/loader/open.ts";
import { waitFor } from "../engine/kernel/patience.ts";
import { nodeMachine } from "../engine/node.ts";
import { conversation } from "../engine/test/fixture.ts";
import { Arena, reasons } from "./arena.ts";
import { attacker, attackerRules, outside, type Pod, usual, victim, victimRules } from "./cast.ts";
import { ethernet, flag, icmp, icmp6, ip4, ip6, type Route, tcp, udp } from "./frame.ts";
import { race } from "./race.ts";
import { mapIdsOf } from "./wire-counters.ts";

const arena = await Arena.open();
after(() => arena.close());
beforeEach(() => arena.reset());

const each = 3000;
const timeouts = { tcpEstablished: 350, udpStream: 180, udp: 60 };

const datagrams = (): Uint8Array[] =>
  Array.from({ length: each }, (_, index) => ip4(arena.route(attacker, outside), udp(1 + index, 53)));

const withAllowances = (conntrackMax: number, udpTimeout = timeouts.udp) => [
  { pod: attacker, rules: attackerRules, allowances: { conntrackMax, timeouts: { ...timeouts, udp: udpTimeout } } },
  { pod: victim, rules: victimRules },
];

test("conventions 3 (calico#13009): an agent that writes an endpoint's limits clobbers nothing that packets count", async () => {
  await arena.program(withAllowances(2 * each));
  const runner = { from: attacker, packets: datagrams() };
  await race(arena, [runner, runner], (turn) => arena.program(withAllowances(2 * each + (turn % 7))));
  const { conntrack_used, packets } = await arena.metrics(attacker);
  assert.deepEqual([conntrack_used, (await arena.connections(attacker)).length], [each, each]);
  assert.deepEqual([packets.egress.rule, packets.egress.connection], [each, each]);
});

test("conventions 4 (calico#13954): what was exempt at first is charged to no pod later", async () => {
  for (const family of [4, 6] as const) {
    const probe = conversation(`probe${family}`, [nodeMachine, victim], 6, 9, { family });
    assert.equal(await arena.connect(probe), true);
  }
  const uncharged = async () => {
    assert.deepEqual([(await arena.metrics(victim)).conntrack_used, await arena.connections(victim)], [0, []]);
  };
  await uncharged();
  await arena.restartAgent();
  await arena.program([{ pod: victim, rules: [] }, ...usual.slice(0, 1)]);
  await arena.advance(1);
  for (const name of ["probe4", "probe6"]) assert.equal(await arena.exchange(name), true);
  await uncharged();
});

test("conventions 5 (npa#246, #462, #610): a sweep takes no flow that has begun anew in a dead entry's place", async () => {
  const runner = { from: attacker, packets: datagrams() };
  await arena.program(withAllowances(each));
  await race(arena, [runner]);
  // A sweep looks at entries first and deletes them later: it has to meet the sender at some point between.
  for (const delay of [1, 3, 6, 10, 15]) {
    await arena.program(withAllowances(each));
    await arena.advance(40);
    assert.equal((await arena.metrics(attacker)).conntrack_used, each);
    // The shorter timeout ends them all at once, before any sweep has come by.
    await arena.program(withAllowances(each, 30));
    assert.equal((await arena.connections(attacker)).length, 0);
    await race(arena, [runner], async () => {
      await sleep(delay);
      await arena.agent.control.sweep();
    });
    assert.equal((await arena.connections(attacker)).length, each);
    assert.equal((await arena.metrics(attacker)).conntrack_used, each);
  }
});

test("conventions 6 (npa#83, #186, #236): connections older than the first group go on (S-40a)", async () => {
  await arena.program([{ pod: victim }]);
  const [inward, outward] = [
    conversation("in", [outside, victim], 6, 80),
    conversation("out", [victim, outside], 6, 443, { sourcePort: 50_001 }),
  ];
  for (const talk of [inward, outward]) assert.equal(await arena.connect(talk), true);
  assert.equal(await arena.connect(conversation("closed", [outside, victim], 6, 81, { sourcePort: 50_002 })), true);
  await arena.program([{ pod: victim, rules: victimRules }], { adopt: true });
  for (const { name } of [inward, outward]) assert.equal(await arena.exchange(name), true);
  assert.equal(await arena.exchange("closed"), false);
  assert.deepEqual(await arena.states(victim), ["6 50001 established", "6 80 established"]);
});

test("conventions 9 (npa#207, #561, cilium#26193): 'packet too big' reaches the pod whose flow it is about (S-34)", async () => {
  for (const family of [4, 6] as const) {
    const [route, back] = [arena.route(attacker, outside, family), arena.route(outside, attacker, family)];
    const packet = (from: number) => (family === 4 ? ip4 : ip6)(route, tcp({ from, to: 443, flags: flag.SYN }));
    await arena.fire(attacker, outside, [packet(7)]);
    const tooBig = (quoted: Uint8Array): Uint8Array => {
      const message = family === 4 ? icmp(3, 0, quoted) : icmp6(2, 0, quoted);
      message.bytes[1] = family === 4 ? 4 : 0;
      return (family === 4 ? ip4 : ip6)(back, message);
    };
    const foreign = (family === 4 ? ip4 : ip6)(
      arena.route(victim, outside, family),
      tcp({ from: 7, to: 443, flags: 2 }),
    );
    const told = await arena.fire(outside, attacker, [packet(7), packet(8), foreign].map(tooBig));
    assert.deepEqual(reasons(told, attacker, "ingress"), ["related", "no-rule", "no-rule"]);
  }
});

test("conventions 11 (npa#102): two pods with the same ports and the same remote share no entry", async () => {
  const ack = (route: Route) => ip4(route, tcp({ from: 443, to: 7, flags: flag.ACK }));
  await arena.fire(victim, outside, [ip4(arena.route(victim, outside), tcp({ from: 7, to: 443, flags: flag.SYN }))]);
  const toVictim = await arena.fire(outside, victim, [ack(arena.route(outside, victim))]);
  const toAttacker = await arena.fire(outside, attacker, [ack(arena.route(outside, attacker))]);
  assert.deepEqual(
    [...reasons(toVictim, victim, "ingress"), ...reasons(toAttacker, attacker, "ingress")],
    ["connection", "no-rule"],
  );
});

test("conventions 11: a connection between two pods of one node is an entry of each, and each judges it", async () => {
  assert.equal(await arena.connect(conversation("c", [attacker, victim], 6, 80)), true);
  assert.deepEqual(
    [await arena.states(attacker), await arena.states(victim)],
    [["6 50000 established"], ["6 80 established"]],
  );
  await arena.program([{ pod: attacker }, ...usual.slice(1)]);
  assert.deepEqual([await arena.states(attacker), await arena.states(victim)], [[], ["6 80 established"]]);
  assert.equal(await arena.exchange("c"), true);
});

function mapIsGone(id: number): boolean {
  try {
    openBpf().openMap(id).close();
    return false;
  } catch {
    return true;
  }
}

test("conventions 12 (npa#514, #618): restarts leave neither an old program attached nor more maps", async () => {
  const maps = () => mapIdsOf(arena.agent.pid ?? assert.fail("no agent"));
  await arena.restartAgent();
  const before = maps();
  for (let turn = 0; turn < 2; turn++) await arena.restartAgent();
  const now = maps();
  assert.equal(now.length, before.length);
  // An object's constants are a map that its programs hold: when that is gone, they are.
  const replaced = before.filter((id) => !now.includes(id));
  assert.ok(replaced.length > 0);
  assert.ok(await waitFor(async () => replaced.every(mapIsGone), 5000));
  const packet = ip4(arena.route(attacker, victim), tcp({ from: 7, to: 80, flags: flag.SYN }));
  const told = await arena.fire(attacker, victim, [packet]);
  assert.deepEqual(
    told.map(({ uid, direction }) => `${uid} ${direction}`),
    ["uid-attacker egress", "uid-victim ingress"],
  );
});

test("conventions 14 (npa#68, calico#7698): what passes goes on to other users of tc", async () => {
  const { link } = arena.station(victim);
  const dropAll = 'bpf direct-action bytecode "1,6 0 0 2,"';
  const commands = [`qdisc add dev ${link} clsact`, `filter add dev ${link} egress ${dropAll}`];
  arena.network.node.inside(() => execFileSync("tc", ["-batch", "-"], { input: commands.join("\n") }));
  arena.arrived(victim);
  const told = await arena.fire(outside, victim, [
    ip4(arena.route(outside, victim), tcp({ from: 7, to: 80, flags: flag.SYN })),
  ]);
  assert.deepEqual(reasons(told, victim, "ingress"), ["rule"]);
  assert.deepEqual(arena.arrived(victim), []);
});

test("conventions 17 (calico#4152): a pod that gets a gone one's addresses inherits nothing", async () => {
  assert.equal(await arena.connect(conversation("c", [attacker, outside], 6, 443)), true);
  await arena.fire(attacker, outside, [ip4(arena.route(attacker, outside), udp(9, 53))]);
  const { link } = arena.station(attacker);
  await arena.network.remove(attacker);
  const heir: Pod = { ...attacker, name: "heir", uid: "uid-heir" };
  arena.network.add(heir);
  assert.notEqual(arena.station(heir).link, link);
  await arena.program([{ pod: heir, rules: [] }, ...usual.slice(1)]);
  const back = arena.route(outside, heir);
  const told = await arena.fire(outside, heir, [
    ip4(back, tcp({ from: 443, to: 50_000, flags: flag.ACK })),
    ip4(back, udp(53, 9)),
  ]);
  assert.deepEqual(reasons(told, heir, "ingress"), ["no-rule", "no-rule"]);
  const { conntrack_used, packets } = await arena.metrics(heir);
  assert.deepEqual([conntrack_used, packets], [0, { ingress: { "no-rule": 2 }, egress: {} }]);
});

test("conventions 17: nor does an address that leaves a pod and comes back", async () => {
  await arena.fire(outside, victim, [ip4(arena.route(outside, victim), udp(9, 53))]);
  assert.equal((await arena.connections(victim)).length, 1);
  const fewer: Pod = { ...victim, addresses: victim.addresses.slice(1) };
  await arena.program([{ pod: fewer, rules: victimRules }, ...usual.slice(0, 1)]);
  assert.equal((await arena.metrics(victim)).conntrack_used, 0);
  await arena.program([{ pod: victim, rules: [] }, ...usual.slice(0, 1)]);
  const { end, nodeEnd } = arena.station(victim);
  const ends = { source: nodeEnd.hardware, destination: end.hardware };
  const told = await arena.fireInto(victim, [ethernet(ends, ip4(arena.route(outside, victim), udp(9, 53)))]);
  assert.deepEqual(reasons(told, victim, "ingress"), ["no-rule"]);
});
