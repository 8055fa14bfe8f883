import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EndpointPolicy } from "../../semantics/policy.ts";
import { OperatorProgram } from "./program.ts";
import { eventually, World } from "./world.ts";

const definitionName = "securitygrouppolicies.vpcresources.k8s.aws";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** The kind as EKS installs it, as far as it matters here. */
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: definitionName,
    // The group is protected; EKS's own definition is not approved either.
    annotations: { "api-approved.kubernetes.io": "unapproved, for tests" },
  },
  spec: {
    group: "vpcresources.k8s.aws",
    scope: "Namespaced",
    names: {
      kind: "SecurityGroupPolicy",
      listKind: "SecurityGroupPolicyList",
      plural: "securitygrouppolicies",
      singular: "securitygrouppolicy",
      shortNames: ["sgp"],
    },
    versions: [
      {
        name: "v1beta1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        },
      },
    ],
  },
};

let world: World;
let operator: OperatorProgram;

before(async () => {
  world = await World.start();
  operator = await OperatorProgram.start(world.operatorKubeconfig, ["--absent-retry=200"]);
  const annotations = { "sallyport.dev/ec2-group-id": "sg-0123456789abcdef0" };
  await world.put("SecurityGroup", "by-id", { ingress: [] }, { annotations });
  await world.pod("web", { labels: { app: "web" } });
  await world.pod("db", { labels: { app: "db" }, node: "n2" });
});

after(async () => {
  await operator.stop();
  await world.stop();
});

/** Names of the pods whose endpoints are so. */
async function podsWhere(holds: (endpoint: EndpointPolicy) => boolean): Promise<readonly string[]> {
  const policies = await world.list("NodePolicy");
  return policies
    .flatMap(({ spec }) => (spec as { endpoints: readonly EndpointPolicy[] }).endpoints)
    .filter(holds)
    .map(({ pod }) => pod.name)
    .sort();
}

/** Names of the pods that have some group's rules. */
const filtered = () => podsWhere(({ ruleSet }) => ruleSet !== undefined);

/** Names of the pods that are closed. */
const closed = () => podsWhere((endpoint) => endpoint.closed !== undefined);

async function install(): Promise<void> {
  await world.ask("POST", definitions, definition);
  await eventually(async () => {
    const { status } = (await world.ask("GET", `${definitions}/${definitionName}`)) as {
      status?: { conditions?: { type: string; status: string }[] };
    };
    assert.ok(status?.conditions?.some((one) => one.type === "Established" && one.status === "True"));
  });
}

const policy = (app: string) => ({
  podSelector: { matchLabels: { app } },
  securityGroups: { groupIds: ["sg-0123456789abcdef0", "sg-unknown"] },
});

test("without EKS's kind the operator works, and nothing is attached by it", async () => {
  await eventually(async () => assert.equal((await world.list("NodePolicy")).length, 2));
  assert.deepEqual(await filtered(), []);
});

test("the kind appears: its policies attach groups by their ids, and changes reach running pods", async () => {
  await install();
  await world.put("SecurityGroupPolicy", "eks", policy("web"));
  await eventually(async () => assert.deepEqual(await filtered(), ["web"]));
  await world.put("SecurityGroupPolicy", "eks", policy("db"));
  await eventually(async () => assert.deepEqual(await filtered(), ["db"]));
});

test("a policy whose groups do not exist closes its pods (S-75) and has an event that says so", async () => {
  const { podSelector } = policy("web");
  await world.put("SecurityGroupPolicy", "typo", { podSelector, securityGroups: { groupIds: ["sg-none"] } });
  await eventually(async () => assert.deepEqual(await closed(), ["web"]));
  await eventually(async () => {
    const { items } = (await world.ask("GET", "/apis/events.k8s.io/v1/namespaces/default/events")) as {
      items: { type: string; reason: string; note: string; regarding: { kind: string; name: string } }[];
    };
    const [event, ...others] = items.filter(({ regarding }) => regarding.name === "typo");
    assert.deepEqual(others, []);
    assert.deepEqual([event?.regarding.kind, event?.type], ["SecurityGroupPolicy", "Warning"]);
    assert.equal(event?.reason, "GroupNotFound");
    assert.match(event?.note ?? "", /no SecurityGroup of namespace default .* "sg-none"; annotate one/);
  });
  await world.remove("SecurityGroupPolicy", "typo");
  await eventually(async () => assert.deepEqual(await closed(), []));
});

test("a policy without selectors attaches nothing", async () => {
  const { securityGroups } = policy("web");
  await world.put("SecurityGroupPolicy", "eks", { securityGroups });
  await eventually(async () => assert.deepEqual(await filtered(), []));
});

test("the kind disappears, and with it what it attached; it appears again", async () => {
  await world.put("SecurityGroupPolicy", "eks", policy("web"));
  await eventually(async () => assert.deepEqual(await filtered(), ["web"]));
  await world.ask("DELETE", `${definitions}/${definitionName}`);
  await eventually(async () => assert.deepEqual(await filtered(), []));
  await eventually(async () => {
    const answer = await world.ask("GET", definitions);
    assert.ok(!JSON.stringify(answer).includes(definitionName));
  });
  await install();
  await world.put("SecurityGroupPolicy", "eks", policy("db"));
  await eventually(async () => assert.deepEqual(await filtered(), ["db"]));
});
