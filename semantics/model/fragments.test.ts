import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "../test/bench.ts";
import {
  changed,
  echo,
  errorAbout,
  firstFragment,
  fromNode,
  laterFragment,
  type Sent,
  tcp,
  udp,
} from "../test/packets.ts";
import { datagramsPerEndpoint } from "./fragments.ts";

const remote = "203.0.113.1";
const datagram = udp("ingress", { remote, port: 53, remotePort: 4000 });
const open = ["in all from 0.0.0.0/0", "out all to 0.0.0.0/0"];
const inOnly = [`in all from ${remote}/32`];

const first = (id: number, sent = datagram): Sent => firstFragment(sent, id);
const later = (id: number, sent = datagram): Sent => laterFragment(sent, id);

const followed: readonly {
  readonly what: string;
  readonly bench: () => Bench;
  readonly sent: Sent;
  readonly says: string;
}[] = [
  { what: "tracked", bench: () => new Bench({ rules: inOnly }), sent: datagram, says: "rule tracked" },
  { what: "untracked", bench: () => new Bench({ rules: open }), sent: datagram, says: "untracked untracked" },
  {
    what: "permitted without an entry",
    bench: () => new Bench({ rules: inOnly }),
    sent: echo("ingress", remote, "reply"),
    says: "rule none",
  },
  {
    what: "a pod's without groups but with an ACL",
    bench: () => new Bench({ acl: ["1 allow in all from 0.0.0.0/0"] }),
    sent: datagram,
    says: "unfiltered none",
  },
  {
    what: "the node's",
    bench: () => new Bench({ rules: [] }),
    sent: fromNode(udp("ingress", { remote: "10.244.0.1", port: 1, remotePort: 2 })),
    says: "exempt none",
  },
  {
    what: "a DNS answer",
    bench: () => new Bench({ rules: [], dns: ["10.96.0.10"] }),
    sent: udp("ingress", { remote: "10.96.0.10", port: 4000, remotePort: 53 }),
    says: "exempt none",
  },
];

for (const { what, bench: make, sent, says } of followed) {
  test(`S-41: later fragments of what is ${what} follow with its tracking and reason, for 30 s`, () => {
    const bench = make();
    bench.advance(1000);
    assert.equal(bench.says(later(7, sent)), "fragment", "not before the first");
    assert.equal(bench.says(first(7, sent)), says);
    assert.equal(bench.says(later(7, sent)), says);
    bench.advance(29.75);
    assert.equal(bench.says(later(7, sent)), says);
    bench.advance(0.25);
    assert.equal(bench.says(later(7, sent)), "fragment");
    assert.equal(bench.metrics.packets.ingress.fragment, 2);
  });
}

test("S-41: a fragment follows only the first of its own datagram", () => {
  const bench = new Bench({ rules: open });
  bench.says(first(7));
  assert.equal(bench.says(later(8)), "fragment");
  assert.equal(bench.says(later(7, tcp("ingress", { remote, port: 53, remotePort: 4000 }, "ACK"))), "fragment");
  assert.equal(bench.says(later(7, udp("ingress", { remote: "203.0.113.2", port: 53, remotePort: 4000 }))), "fragment");
  assert.equal(bench.says(later(7, udp("egress", { remote, port: 4000, remotePort: 53 }))), "fragment");
});

test("S-41: ports that a later fragment seems to have are not looked at", () => {
  const bench = new Bench({ rules: open });
  assert.equal(bench.says(changed(datagram, { fragment: { id: 1, offset: 8, more: false } })), "fragment");
});

test("S-41: later fragments refresh the entry and take no part in its states", () => {
  const bench = new Bench({ rules: inOnly });
  bench.says(first(7));
  bench.says(udp("egress", { remote, port: 53, remotePort: 4000 }));
  bench.advance(20);
  bench.says(later(7));
  assert.deepEqual(
    bench.rows.map(({ idle, state }) => [idle, state]),
    [[0, "datagram"]],
  );
});

test("S-41: what follows a dropped first fragment is dropped, also under a used identification", () => {
  const bench = new Bench({ rules: inOnly });
  bench.says(first(7));
  bench.advance(1);
  const same = udp("ingress", { remote, port: 54, remotePort: 4000 });
  bench.change({ rules: [] });
  assert.equal(bench.says(first(7, same)), "no-rule");
  assert.equal(bench.says(later(7)), "fragment");
});

test("S-53: a rule that is taken away cuts later fragments of an untracked flow; S-54: a tracked one's go on", () => {
  const untracked = new Bench({ rules: open });
  untracked.says(first(7));
  untracked.change({ rules: [...open, "in tcp 1 from 203.0.113.0/24"] });
  assert.equal(untracked.says(later(7)), "untracked untracked", "a change that leaves it permitted");
  untracked.change({ rules: ["in all from 0.0.0.0/0"] });
  assert.equal(untracked.says(later(7)), "fragment");
  const tracked = new Bench({ rules: inOnly });
  tracked.says(first(7));
  tracked.change({ rules: [] });
  assert.equal(tracked.says(later(7)), "rule tracked");
  tracked.change({ rules: undefined });
  tracked.change({ rules: [] });
  assert.equal(tracked.says(later(7)), "fragment", "the entry is gone with the last group");
});

test("S-38, S-71: a later fragment does not follow by an entry whose time is up", () => {
  const timeouts = { tcpEstablished: 350, udpStream: 180, udp: 60 };
  const bench = new Bench({ rules: inOnly, allowances: { timeouts } });
  bench.says(udp("ingress", { remote, port: 53, remotePort: 4000 }));
  bench.says(first(7));
  bench.advance(29);
  assert.equal(bench.says(later(7)), "connection tracked");
  bench.advance(0.75);
  bench.change({ allowances: { timeouts: { ...timeouts, udp: 0.75 } } });
  assert.equal(bench.says(later(7)), "fragment");
});

test("S-34, S-41: later fragments of a related error follow while what it quotes is there", () => {
  const bench = new Bench({ rules: [`out udp * to ${remote}/32`] });
  const sent = udp("egress", { remote, port: 5000, remotePort: 53 });
  const error = errorAbout(sent, "198.51.100.254");
  bench.says(sent);
  assert.equal(bench.says(first(7, error)), "related none");
  assert.equal(bench.says(later(7, error)), "related none");
  bench.change({ rules: undefined });
  bench.change({ rules: [] });
  assert.equal(bench.says(later(7, error)), "fragment");
});

test("S-89: an ACL cuts later fragments by the first one's ports", () => {
  const bench = new Bench({ rules: open });
  bench.says(first(7));
  bench.change({ acl: ["1 deny in udp 53 from 0.0.0.0/0", "2 allow in all from 0.0.0.0/0"] });
  assert.equal(bench.says(later(7)), "acl-deny");
  bench.change({ acl: ["1 deny in udp 54 from 0.0.0.0/0", "2 allow in all from 0.0.0.0/0"] });
  assert.equal(bench.says(later(7)), "untracked untracked");
});

test("S-75: later fragments are held to the rates", () => {
  const bench = new Bench({ rules: open, allowances: { packets: { perSecond: 1, burst: 2 } } });
  bench.says(first(7));
  assert.equal(bench.says(later(7)), "untracked untracked");
  assert.equal(bench.says(later(7)), "packet-allowance");
});

test("an endpoint remembers 64 datagrams, and forgets the oldest", () => {
  const bench = new Bench({ rules: open });
  for (let id = 0; id < datagramsPerEndpoint; id++) bench.says(first(id));
  bench.says(first(0));
  assert.equal(bench.says(later(1)), "untracked untracked");
  bench.says(first(datagramsPerEndpoint));
  assert.equal(bench.says(later(1)), "fragment");
  assert.equal(bench.says(later(0)), "untracked untracked", "sent again, so not the oldest");
});

test("a fragment that is the whole datagram takes nobody's place", () => {
  const bench = new Bench({ rules: open });
  bench.says(first(1));
  for (let id = 2; id < 100; id++) bench.says(changed(datagram, { fragment: { id, offset: 0, more: false } }));
  assert.equal(bench.says(later(1)), "untracked untracked");
});
