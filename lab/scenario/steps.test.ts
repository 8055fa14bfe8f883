import { testRefusals } from "./test/refusals.ts";

const machines: readonly string[] = ["pods: [ { name: web } ]", "hosts: [ { name: client } ]"];

/** A step, which stands on line 8. */
const step = (text: string): readonly string[] => [...machines, "steps:", `  - ${text}`];

const packet = "from: client, to: web";

testRefusals([
  ["a step that is none", step(`pakcet: { ${packet} }`), "spec.steps[0].pakcet", 8, /is no step; write `packet`/],
  [
    "two steps in one",
    step("{ advance: 1s, restartAgent: {} }"),
    "spec.steps[0].restartAgent",
    8,
    /stands beside advance; write two steps/,
  ],
  ["a step that does nothing", step("{}"), "spec.steps[0]", 8, /does nothing; give one of apply/],
  [
    "a protocol that is none",
    step(`packet: { ${packet}, protocol: tpc, port: 80 }`),
    "spec.steps[0].packet.protocol",
    8,
    /is no protocol; use tcp/,
  ],
  [
    "tcp without a port",
    step(`packet: { ${packet}, protocol: tcp }`),
    "spec.steps[0].packet.port",
    8,
    /is missing; give the destination port/,
  ],
  [
    "a port above the last",
    step(`packet: { ${packet}, protocol: tcp, port: 70000 }`),
    "spec.steps[0].packet.port",
    8,
    /is not a whole number from 0 to 65535/,
  ],
  [
    "icmp with a port",
    step(`packet: { ${packet}, protocol: icmp, port: 80 }`),
    "spec.steps[0].packet.port",
    8,
    /belongs to tcp and udp only; remove port/,
  ],
  [
    "flags of udp",
    step(`packet: { ${packet}, protocol: udp, port: 53, flags: SYN }`),
    "spec.steps[0].packet.flags",
    8,
    /belongs to tcp only/,
  ],
  [
    "a flag that is none",
    step(`packet: { ${packet}, protocol: tcp, port: 80, flags: "SYN,AKC" }`),
    "spec.steps[0].packet.flags",
    8,
    /names no TCP flags; use FIN, SYN/,
  ],
  [
    "a quotation in udp",
    step(`packet: { ${packet}, protocol: udp, port: 53, mtu: 1400 }`),
    "spec.steps[0].packet.mtu",
    8,
    /errors only/,
  ],
  [
    "a fragment at an odd place",
    step(`packet: { ${packet}, protocol: udp, fragment: { id: 1, offset: 9 } }`),
    "spec.steps[0].packet.fragment.offset",
    8,
    /is not a multiple of 8/,
  ],
  [
    "a duration that is none",
    step("advance: 31"),
    "spec.steps[0].advance",
    8,
    /is no duration; give a number with ms, s, m or h/,
  ],
  [
    "a flood of a protocol without flows",
    step("flood: { from: client, to: web, protocol: 47, flows: 3 }"),
    "spec.steps[0].flood.protocol",
    8,
    /has no flows to count/,
  ],
  [
    "a real connection of icmp",
    step("connect: { name: a, from: client, to: web, protocol: icmp, port: 1 }"),
    "spec.steps[0].connect.protocol",
    8,
    /is neither tcp nor udp/,
  ],
  [
    "a kind that can't be deleted",
    step("delete: { kind: Pod, name: web }"),
    "spec.steps[0].delete.kind",
    8,
    /a pod ends by removePod/,
  ],
  [
    "a namespace of a cluster-scoped kind",
    step("delete: { kind: PrefixList, name: l, namespace: a }"),
    "spec.steps[0].delete.namespace",
    8,
    /is not for a PrefixList; remove it/,
  ],
  [
    "an expectation beside advance",
    step("{ advance: 1s, expect: { delivered: true } }"),
    "spec.steps[0].expect",
    8,
    /says nothing beside advance; write it as a step of its own/,
  ],
  [
    "an expectation of nothing",
    step("expect: { pod: web }"),
    "spec.steps[0].expect",
    8,
    /expects nothing; give metrics/,
  ],
  [
    "a reason that is none",
    step(`{ packet: { ${packet}, protocol: 47 }, expect: { reason: rules } }`),
    "spec.steps[0].expect.reason",
    8,
    /is not one of rule, connection/,
  ],
  [
    "a metric that is none",
    step("expect: { pod: web, metrics: { conntrack_use: 1 } }"),
    "spec.steps[0].expect.metrics.conntrack_use",
    8,
    /did you mean `conntrack_used`\?/,
  ],
  [
    "true for many packets",
    step(`{ packet: { ${packet}, protocol: 47, count: 2 }, expect: { delivered: true } }`),
    "spec.steps[0].expect.delivered",
    8,
    /is not a number; say how many packets arrive/,
  ],
]);
