import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { agentName, systemNamespace } from "../../operator/rbac/rules.ts";
import { type Connection, connect } from "../cluster/connection.ts";
import { writeTokenKubeconfig } from "../cluster/kubeconfig.ts";
import { ClusterWorld } from "./world.ts";

let world: ClusterWorld;
let agent: Connection;

const status = { observedGeneration: 1, config: "c", revisions: {}, endpoints: [] };
const pathOf = (node: string): string => `/apis/node.sallyport.dev/v1alpha1/nodepolicies/${node}`;

before(async () => {
  world = await ClusterWorld.open();
  for (const node of ["n1", "n2"]) await world.put("NodePolicy", node, { node, endpoints: [] });
  agent = connect(await agentKubeconfig("n1"));
});

after(async () => {
  agent.close();
  await world.stop();
});

/** A kubeconfig with a token of the agents' account, which a pod of this node has; or which no pod has. */
async function agentKubeconfig(node: string | undefined): Promise<string> {
  const name = `agent-${node ?? "of-no-node"}`;
  const path = `/api/v1/namespaces/${systemNamespace}/serviceaccounts/${agentName}/token`;
  const answer = await world.ask("POST", path, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: node === undefined ? {} : { boundObjectRef: await agentPod(name, node) },
  });
  const { token } = (answer as { status: { token: string } }).status;
  return writeTokenKubeconfig(
    join(world.cluster.folder, "users", `${name}.kubeconfig`),
    world.cluster.kubeconfig,
    token,
  );
}

/** Makes the pod that a kubelet asks a token for. */
async function agentPod(name: string, node: string): Promise<object> {
  await world.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: systemNamespace },
    spec: { nodeName: node, serviceAccountName: agentName, containers: [{ name: "agent", image: "none" }] },
  });
  const { metadata } = (await world.ask("GET", `/api/v1/namespaces/${systemNamespace}/pods/${name}`)) as {
    metadata: { uid: string };
  };
  return { apiVersion: "v1", kind: "Pod", name, uid: metadata.uid };
}

const merge = "application/merge-patch+json";

const patchStatus = (of: string, changed: object) =>
  agent.send("PATCH", `${pathOf(of)}/status`, { status: changed }, merge);

/** The admission policy takes effect a moment after it was created. */
async function refusal(node: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    await pause(100);
    const answer = await patchStatus(node, { ...status, config: `attempt-${attempt}` });
    if (answer.status >= 300 || attempt > 200) return `${answer.status} ${JSON.stringify(answer.body)}`;
  }
}

test("an agent writes the status of its own node", async () => {
  const answer = await patchStatus("n1", status);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
});

test("an agent that writes another node's status is refused, and told why", async () => {
  const told = /^403 .*may write the status of NodePolicy n1 only, not of n2/;
  assert.match(await refusal("n2"), told);
  const other = (await agent.send("GET", pathOf("n2"))).body as object;
  const replaced = await agent.send("PUT", `${pathOf("n2")}/status`, { ...other, status });
  assert.match(`${replaced.status} ${JSON.stringify(replaced.body)}`, told);
});

test("an agent may read what its node must enforce", async () => {
  for (const resource of ["nodepolicies/n1", "rulesets", "addresssets", "nodeconfigs"])
    assert.equal((await agent.send("GET", `/apis/node.sallyport.dev/v1alpha1/${resource}`)).status, 200, resource);
});

test("a token of the agents' account that no pod has writes no status", async () => {
  const nobody = connect(await agentKubeconfig(undefined));
  try {
    const answer = await nobody.send("PATCH", `${pathOf("n1")}/status`, { status }, merge);
    assert.equal(answer.status, 403);
    assert.match(JSON.stringify(answer.body), /the node its token is bound to/);
  } finally {
    nobody.close();
  }
});

test("known limit: an agent can read the policies of other nodes too", async () => {
  for (const path of [pathOf("n2"), pathOf("n2").replace(/n2$/, "")])
    assert.equal((await agent.send("GET", path)).status, 200, path);
});

/** What is asked for and refused, of these requests. */
async function refused(by: Connection, requests: readonly (readonly [string, string, object?])[]) {
  const answers = await Promise.all(
    requests.map(async ([method, path, body]) => {
      const { status } = await by.send(method, path, body, method === "PATCH" ? merge : undefined);
      return `${status} ${method} ${path}`;
    }),
  );
  assert.deepEqual(
    answers,
    requests.map(([method, path]) => `403 ${method} ${path}`),
  );
}

const namespaced = (resource: string, namespace = systemNamespace): string =>
  `/api/v1/namespaces/${namespace}/${resource}`;
const node = (resource: string): string => `/apis/node.sallyport.dev/v1alpha1/${resource}`;
const named = (name: string): object => ({ metadata: { name } });

test("an agent may neither change specs, nor create or delete, nor read anything else", async () => {
  await refused(agent, [
    ["PATCH", pathOf("n1"), { spec: { node: "n1", endpoints: [] } }],
    ["POST", node("nodepolicies"), { apiVersion: "node.sallyport.dev/v1alpha1", kind: "NodePolicy", ...named("n3") }],
    ["DELETE", pathOf("n1")],
    ["DELETE", node("nodepolicies")],
    ["PATCH", node("nodeconfigs/default"), { spec: {} }],
    ["DELETE", node("rulesets")],
    ["PATCH", node("addresssets/any"), { spec: {} }],
    ["GET", "/apis/sallyport.dev/v1alpha1/securitygroups"],
    ["PATCH", "/apis/sallyport.dev/v1alpha1/namespaces/default/securitygroups/any", { spec: {} }],
    ["GET", "/api/v1/pods"],
    ["GET", "/api/v1/nodes"],
    ["GET", "/api/v1/secrets"],
    ["GET", namespaced("secrets")],
    ["GET", namespaced("configmaps")],
    ["POST", namespaced(`serviceaccounts/${agentName}/token`), { spec: {} }],
    ["POST", namespaced("pods"), named("p")],
    ["GET", `/apis/coordination.k8s.io/v1/namespaces/${systemNamespace}/leases`],
  ]);
});

test("the operator may neither read secrets, nor touch pods, nor widen its rights, nor take another's lease", async () => {
  const operator = connect(world.operatorKubeconfig);
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const leases = (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  try {
    await refused(operator, [
      ["GET", "/api/v1/secrets"],
      ["GET", namespaced("secrets")],
      ["GET", "/api/v1/configmaps"],
      ["POST", namespaced("pods"), named("p")],
      ["PATCH", namespaced("pods/p", "default"), { metadata: { labels: { a: "" } } }],
      ["DELETE", namespaced("pods/p", "default")],
      ["POST", namespaced(`serviceaccounts/${agentName}/token`), { spec: {} }],
      ["PATCH", "/api/v1/nodes/n1", { metadata: { labels: { a: "" } } }],
      ["PATCH", "/apis/sallyport.dev/v1alpha1/networkacls/any", { spec: {} }],
      ["PATCH", `${pathOf("n1")}/status`, { status }],
      ["DELETE", node("nodeconfigs/default")],
      ["PATCH", `${rbac}/clusterroles/sallyport-operator`, { rules: [] }],
      ["POST", `${rbac}/clusterrolebindings`, named("b")],
      ["POST", leases("default"), named("l")],
      ["GET", `${leases("kube-system")}/kube-scheduler`],
      ["PATCH", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/sallyport-agent-own-node", {}],
    ]);
  } finally {
    operator.close();
  }
});
