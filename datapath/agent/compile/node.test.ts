import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressSet, CompiledState, EndpointPolicy, GroupKey } from "../../../semantics/policy.ts";
import { plainConfig } from "../../../semantics/test/config.ts";
import { address, cidr, ruleSet } from "../../../semantics/test/rules.ts";
import { constants } from "../abi.generated.ts";
import type { EndpointAttachment } from "../control.ts";
import { type EndpointPlan, planNode } from "./node.ts";

const allowances = { conntrackMax: 100, timeouts: { tcpEstablished: 350, udpStream: 180, udp: 30 } };

function endpoint(uid: string, policy: Partial<EndpointPolicy>): EndpointPolicy {
  return { pod: { namespace: "ns", name: uid, uid }, allowances, trackedPorts: [], ...policy };
}

function attachment(uid: string, ...addresses: string[]): EndpointAttachment {
  return { uid, ifindex: 7, adopt: false, addresses: addresses.map(address) };
}

const state: CompiledState = {
  config: plainConfig,
  ruleSets: [ruleSet(["in tcp 80 from 10.0.0.0/8"], "web")],
  acls: [{ name: "ns-acl", revision: "1", namespace: "ns", rules: [] }],
  addressSets: [],
  node: { node: "n", endpoints: [] },
};

/** Plan of one pod, whose policy this is. */
function planOf(policy: Partial<EndpointPolicy>, change: Partial<CompiledState> = {}, addresses = ["10.1.0.1"]) {
  const whole = { ...state, node: { node: "n", endpoints: [endpoint("pod", policy)] }, ...change };
  const plan = planNode(whole, [attachment("pod", ...addresses)]);
  return { plan, endpoint: plan.endpoints[0] ?? assert.fail("no endpoint") };
}

function flagsOf({ flags }: EndpointPlan): string[] {
  const names = ["POLICY_PROGRAMMED", "POLICY_GROUP", "POLICY_ACL", "POLICY_CHECK_SOURCE", "POLICY_RATES"] as const;
  return names.filter((name) => (flags & constants[name]) !== 0);
}

test("a pod that the operator says nothing of is open and unfiltered", () => {
  const plan = planNode(state, [attachment("other", "10.1.0.1")]);
  const [one] = plan.endpoints;
  assert.deepEqual(one && flagsOf(one), ["POLICY_PROGRAMMED"]);
  assert.equal(one?.closed, undefined);
  assert.equal(plan.policies.size, 0);
});

test("groups, an ACL and rates each set their flag, and name policies that the plan holds", () => {
  const { plan, endpoint: one } = planOf({ ruleSet: "web", acl: "ns-acl" });
  assert.deepEqual(flagsOf(one), ["POLICY_PROGRAMMED", "POLICY_GROUP", "POLICY_ACL"]);
  assert.deepEqual([...plan.policies.keys()].sort(), [one.acl, one.rules].sort());
  const limited = planOf({ allowances: { ...allowances, packets: { perSecond: 10, burst: 1 } } });
  assert.deepEqual(flagsOf(limited.endpoint), ["POLICY_PROGRAMMED", "POLICY_RATES"]);
});

test("S-22: sources of all pods are checked where the configuration says so", () => {
  const { endpoint: one } = planOf({}, { config: { ...state.config, antiSpoofing: "All" } });
  assert.deepEqual(flagsOf(one), ["POLICY_PROGRAMMED", "POLICY_CHECK_SOURCE"]);
});

const tooMany = ruleSet(
  Array.from({ length: 1025 }, (_, port) => `in tcp ${port} from 10.0.0.0/8`),
  "web",
);
const network: AddressSet = { kind: "members", name: "m", groups: ["a/a" as GroupKey], cidrs: [cidr("10.0.0.0/8")] };

for (const { name, policy, change, addresses, reason } of [
  {
    name: "the operator closed it",
    policy: { ruleSet: "web", closed: "object x is wrong" },
    reason: /^object x is wrong$/,
  },
  { name: "its rule set is not here", policy: { ruleSet: "gone" }, reason: /^RuleSet gone is not here yet$/ },
  {
    name: "its ACL is not here",
    policy: { ruleSet: "web", acl: "gone" },
    reason: /^network ACL gone is not here yet$/,
  },
  {
    name: "its rules are more than fit",
    policy: { ruleSet: "web" },
    change: { ruleSets: [tooMany] },
    reason: /1025 ingress rules for IPv4, at most 1024/,
  },
  {
    name: "its addresses are more than fit",
    policy: { ruleSet: "web" },
    addresses: [1, 2, 3, 4, 5].map((host) => `10.1.0.${host}`),
    reason: /^5 IPv4 addresses \(10\.1\.0\.1, .*\), at most 4: remove addresses from the pod$/,
  },
] as readonly {
  name: string;
  policy: Partial<EndpointPolicy>;
  change?: Partial<CompiledState>;
  addresses?: string[];
  reason: RegExp;
}[]) {
  test(`S-75: an endpoint is closed, and says why, when ${name}`, () => {
    const { endpoint: one } = planOf(policy, change, addresses);
    assert.match(one.closed ?? "", reason);
    assert.deepEqual([one.flags, one.rules, one.acl], [0, undefined, undefined]);
  });
}

test("one pod's fault closes no other", () => {
  const endpoints = [endpoint("bad", { ruleSet: "gone" }), endpoint("good", { ruleSet: "web" })];
  const plan = planNode({ ...state, node: { node: "n", endpoints } }, [
    attachment("bad", "10.1.0.1"),
    attachment("good", "10.1.0.2"),
  ]);
  assert.deepEqual(
    plan.endpoints.map(({ closed }) => closed === undefined),
    [false, true],
  );
});

test("a member set that can't be is refused as a whole", () => {
  assert.throws(() => planOf({}, { addressSets: [network] }), /10\.0\.0\.0\/8 is no single address/);
});

test("endpoints with the same rules and tracked ports share a policy, whatever the ports' order", () => {
  const ports = [
    { protocol: 6, port: 80 },
    { protocol: 17, port: 53 },
  ] as const;
  const endpoints = [
    endpoint("a", { ruleSet: "web", trackedPorts: ports }),
    endpoint("b", { ruleSet: "web", trackedPorts: ports.toReversed() }),
    endpoint("c", { ruleSet: "web" }),
  ];
  const plan = planNode(
    { ...state, node: { node: "n", endpoints } },
    endpoints.map(({ pod }) => attachment(pod.uid, "10.1.0.1")),
  );
  const [a, b, c] = plan.endpoints.map(({ rules }) => rules);
  assert.equal(a, b);
  assert.notEqual(a, c);
  assert.deepEqual(plan.policiesOfRuleSet.get("web"), [a, c]);
});

test("S-40a: what ends adoption changes with the rules' revision and with nothing else", () => {
  const revision = (change: Partial<CompiledState>, policy: Partial<EndpointPolicy> = {}) =>
    planOf({ ruleSet: "web", ...policy }, change).endpoint.rulesRevision;
  const before = revision({});
  assert.equal(revision({}, { allowances: { ...allowances, conntrackMax: 5 } }), before);
  assert.notEqual(revision({ ruleSets: [ruleSet(["in tcp 81 from 10.0.0.0/8"], "web")] }), before);
});

test("the same state gives the same plan, however often it is asked", () => {
  const ask = () => planOf({ ruleSet: "web", acl: "ns-acl" }).plan;
  assert.deepEqual(ask(), ask());
});

test("what is in force with the same source is planned without its image, and compiled anew when the source changes", () => {
  const { plan } = planOf({ ruleSet: "web", acl: "ns-acl" });
  assert.ok([...plan.policies.values()].every(({ image }) => image !== undefined));
  const sources = new Map([...plan.policies].map(([key, { source }]) => [key, source]));
  const inForce = { numbers: new Map(), combinations: new Map(), sources };
  const endpoints = [endpoint("pod", { ruleSet: "web", acl: "ns-acl" })];
  const again = (change: Partial<CompiledState>) =>
    planNode({ ...state, node: { node: "n", endpoints }, ...change }, [attachment("pod", "10.1.0.1")], inForce);
  const withImage = (change: Partial<CompiledState>) =>
    [...again(change).policies].flatMap(([key, { image }]) => (image === undefined ? [] : [key]));
  assert.deepEqual(withImage({}), []);
  assert.deepEqual(again({}).endpoints, plan.endpoints);
  assert.deepEqual(withImage({ ruleSets: [ruleSet(["in tcp 81 from 10.0.0.0/8"], "web")] }), [
    plan.endpoints[0]?.rules,
  ]);
});
