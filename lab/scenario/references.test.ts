import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf } from "./test/scenario.ts";

const machines: readonly string[] = [
  "pods: [ { name: web }, { name: db }, { name: db, namespace: other } ]",
  "hosts: [ { name: client } ]",
];

const ping = (from: string, to: string): string => `packet: { from: ${from}, to: ${to}, protocol: icmp }`;
const connect = (name: string): string => `connect: { name: ${name}, from: client, to: web, protocol: tcp, port: 80 }`;

/** Steps, and the field and message of the one problem. */
const refusals: readonly (readonly [string, readonly string[], string, RegExp])[] = [
  [
    "a machine that is none",
    [ping("client", "wbe")],
    "steps[0].packet.to",
    /no pod or host that runs here; write `web`/,
  ],
  ["a name that two pods have", [ping("client", "db")], "steps[0].packet.to", /several pods; write namespace\/db/],
  [
    "a pod that has ended",
    ["removePod: web", ping("client", "web")],
    "steps[1].packet.to",
    /no pod or host that runs here/,
  ],
  ["a pod that starts later", [ping("client", "late"), "pod: { name: late }"], "steps[0].packet.to", /no pod or host/],
  ["the end of a host", ["removePod: client"], "steps[0].removePod", /is no pod that runs here/],
  ["a pod that is there already", ["pod: { name: web }"], "steps[0].pod.name", /is taken; give each pod and host/],
  [
    "a quoted machine that is none",
    [
      "packet: { from: client, to: web, protocol: icmp, type: 3, quoting: { from: web, to: x, protocol: udp, port: 1 } }",
    ],
    "packet.quoting.to",
    /no pod or host/,
  ],
  [
    "a connection that is not open",
    [connect("a"), "exchange: { name: b }"],
    "steps[1].exchange.name",
    /is no open connection; write `a`/,
  ],
  [
    "a connection that was closed",
    [connect("a"), "close: { name: a }", "exchange: { name: a }"],
    "steps[2].exchange.name",
    /no open connection; there is none yet/,
  ],
  [
    "a second connection of one name",
    [connect("a"), connect("a")],
    "steps[1].connect.name",
    /name of an open connection; close that one/,
  ],
  [
    "an expectation at a host",
    [`{ ${ping("client", "web")}, expect: { at: client } }`],
    "steps[0].expect.at",
    /is no pod that runs here/,
  ],
  [
    "a look at a host",
    ["expect: { pod: client, metrics: { conntrack_used: 0 } }"],
    "steps[0].expect.pod",
    /is no pod that runs here/,
  ],
];

for (const [what, steps, field, message] of refusals) {
  test(`${what} is refused`, async () => {
    const problems = await problemsOf(...machines, "steps:", ...steps.map((text) => `  - ${text}`));
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.ok(problems[0]?.includes(field), problems[0]);
    assert.match(problems[0] ?? "", message);
  });
}

for (const [what, steps] of [
  ["node, and a pod by its namespace", [ping("node", "other/db")]],
  ["a pod that was started in a step", ["pod: { name: late }", ping("client", "late")]],
  ["a pod that ended and came again", ["removePod: web", "pod: { name: web }", ping("client", "web")]],
  ["a bare name once the other pod has ended", ["removePod: other/db", ping("client", "db")]],
  ["a connection's name once it was closed", [connect("a"), "close: { name: a }", connect("a")]],
] as const) {
  test(`${what} may be named`, async () => {
    assert.deepEqual(await problemsOf(...machines, "steps:", ...steps.map((text) => `  - ${text}`)), []);
  });
}

test("a host that has a pod's name, or another host's, is refused", async () => {
  const problems = await problemsOf("pods: [ { name: a } ]", "hosts: [ { name: a }, { name: b }, { name: b } ]");
  assert.equal(problems.length, 2, problems.join("\n"));
});
