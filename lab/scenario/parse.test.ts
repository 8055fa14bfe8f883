import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScenarios } from "./parse.ts";
import { testRefusals } from "./test/refusals.ts";
import { problemsOf, scenarioOf, scenarioText } from "./test/scenario.ts";

/** A group with one ingress rule, which stands on line 11. */
const group = (rule: string): readonly string[] => [
  "resources:",
  "  - apiVersion: sallyport.dev/v1alpha1",
  "    kind: SecurityGroup",
  "    metadata: { name: web }",
  "    spec:",
  "      ingress:",
  `        - ${rule}`,
];

testRefusals([
  ["an unknown field", ["podz: []"], "spec.podz", 5, /unknown field; did you mean `pods`\?/],
  ["a name that is none", ["pods: [ { name: Web } ]"], "spec.pods[0].name", 5, /is no object name; use lower-case/],
  ["a pod called node", ["pods: [ { name: node } ]"], "spec.pods[0].name", 5, /means the node itself; give/],
  [
    "an octal address",
    ["hosts: [ { name: a, addresses: [010.0.0.1] } ]"],
    "spec.hosts[0].addresses[0]",
    5,
    /no leading zeros/,
  ],
  [
    "an address twice",
    ["hosts: [ { name: a, addresses: [10.0.0.1, 10.0.0.1] } ]"],
    "spec.hosts[0].addresses[1]",
    5,
    /twice/,
  ],
  ["a table without entries", ["config: { tableSize: 0 }"], "spec.config.tableSize", 5, /is not a whole number from 1/],
  ["a quota that is not known", ["config: { quotas: { rules: 5 } }"], "spec.config.quotas.rules", 5, /unknown field/],

  [
    "a prefix length of 33",
    group("{ protocol: tcp, ports: '80', from: [ { cidr: 10.0.0.1/33 } ] }"),
    "spec.ingress[0].from[0].cidr",
    11,
    /"\/33" is no prefix length from 0 to 32; write a prefix length from 0 to 32/,
  ],
  [
    "an octal CIDR",
    group("{ protocol: tcp, ports: '80', from: [ { cidr: 010.0.0.1/8 } ] }"),
    "spec.ingress[0].from[0].cidr",
    11,
    /leading zero/,
  ],
  [
    "port 70000",
    group("{ protocol: tcp, ports: '70000', from: [ { cidr: 10.0.0.0/8 } ] }"),
    "spec.ingress[0].ports",
    11,
    /65535/,
  ],
  [
    "tcp without ports",
    group("{ protocol: tcp, from: [ { cidr: 10.0.0.0/8 } ] }"),
    "spec.ingress[0].ports",
    11,
    /tcp needs ports; write them/,
  ],
  [
    "icmp with ports",
    group("{ protocol: icmp, ports: '80', from: [ { cidr: 10.0.0.0/8 } ] }"),
    "spec.ingress[0].ports",
    11,
    /icmp takes no ports; remove/,
  ],
  [
    "a rule twice in one group (S-5)",
    group("{ protocol: tcp, ports: '80', from: [ { cidr: 10.0.0.0/8 }, { cidr: 10.1.1.1/8 } ] }"),
    "spec.ingress[0].from[1]",
    11,
    /is the same rule .* remove one of the two/,
  ],
  [
    "two kinds of peer in one (S-3)",
    group("{ protocol: all, from: [ { cidr: 10.0.0.0/8, prefixList: l } ] }"),
    "spec.ingress[0].from[0]",
    11,
    /names 2 kinds of peer at once: cidr, prefixList; make each/,
  ],
]);

test("everything that is wrong is told at once, in the order of lines", async () => {
  const problems = await problemsOf(
    ...group("{ protocol: tcp, from: [ { cidr: 10.0.0.0/40 } ] }"),
    "pods: [ { name: web, label: {} } ]",
    "steps:",
    "  - advance: soon",
    "  - packet: { from: web, to: web, protocol: tcp }",
  );
  const lines = problems.map((problem) => Number(problem.split(":")[1]));
  assert.deepEqual(lines, [11, 11, 12, 14, 15]);
});

test("a file without a document is refused", async () => {
  const { problems } = await parseScenarios("s.yaml", "# nothing\n");
  assert.match(problems[0]?.message ?? "", /holds no scenario/);
});

test("text that is no YAML is refused with its line", async () => {
  const { problems } = await parseScenarios("s.yaml", "a: 1\nb: [\n");
  assert.equal(problems[0]?.file, "s.yaml");
  assert.ok((problems[0]?.line ?? 0) >= 2);
});

test("manifests may be in a file beside the scenario; a file that is not there is refused", async () => {
  const problems = await problemsOf("resources: { file: missing.yaml }");
  assert.match(problems[0] ?? "", /spec\.resources\.file = "missing\.yaml": cannot be read \(ENOENT\); give a path/);
});

test("several documents are several scenarios, each with its own lines", async () => {
  const text = [scenarioText("pods: []"), "---", scenarioText("pods: [ { name: NO } ]")].join("\n");
  const { scenarios, problems } = await parseScenarios("s.yaml", text);
  assert.equal(scenarios.length, 1);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [11],
  );
});

test("what is left out has its default", async () => {
  const scenario = await scenarioOf("pods: [ { name: web } ]");
  assert.deepEqual(scenario.pods, [{ name: "web", namespace: "default", labels: {}, serviceAccount: "default" }]);
  assert.equal(scenario.config.tableSize, 65_536);
  assert.deepEqual([scenario.hosts, scenario.steps, scenario.resources], [[], [], []]);
});

test("a step is what was written, with numbers for names", async () => {
  const { steps } = await scenarioOf(
    "pods: [ { name: web } ]",
    "hosts: [ { name: client } ]",
    "steps:",
    '  - packet: { from: client, to: web, protocol: tcp, flags: "SYN,ACK", port: 0, address: "FD00::0:1" }',
  );
  assert.deepEqual(steps, [
    {
      number: 1,
      line: 8,
      expectLine: 8,
      action: {
        kind: "packet",
        packet: { from: "client", to: "web", protocol: 6, flags: 18, port: 0, address: "fd00::1", count: 1 },
      },
    },
  ]);
});
