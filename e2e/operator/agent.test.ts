import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { parse } from "yaml";
import { agentName, systemNamespace } from "../../operator/rbac/rules.ts";
import { type Connection, connect } from "../cluster/connection.ts";
import { World } from "./world.ts";

let world: World;
let agent: Connection;

const status = { observedGeneration: 1, config: "c", revisions: {}, endpoints: [] };
const pathOf = (node: string): string => `/apis/node.sallyport.dev/v1alpha1/nodepolicies/${node}`;

before(async () => {
  world = await World.start();
  for (const node of ["n1", "n2"]) await world.put("NodePolicy", node, { node, endpoints: [] });
  agent = connect(await agentKubeconfig("n1"));
});

after(async () => {
  agent.close();
  await world.stop();
});

/** A kubeconfig with a token as the kubelet gives it to the agent's pod on a node. */
async function agentKubeconfig(node: string): Promise<string> {
  const name = `agent-${node}`;
  const pods = `/api/v1/namespaces/${systemNamespace}/pods`;
  const pod = (await world.ask("POST", pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: systemNamespace },
    spec: { nodeName: node, serviceAccountName: agentName, containers: [{ name: "agent", image: "none" }] },
  })) as { metadata: { uid: string } };
  const { uid } = pod.metadata;
  const path = `/api/v1/namespaces/${systemNamespace}/serviceaccounts/${agentName}/token`;
  const answer = await world.ask("POST", path, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid } },
  });
  const { token } = (answer as { status: { token: string } }).status;
  const config = parse(readFileSync(world.plane.kubeconfig, "utf8"));
  const file = join(world.plane.folder, "users", `${name}.kubeconfig`);
  writeFileSync(file, JSON.stringify({ ...config, users: [{ name: config.users[0].name, user: { token } }] }), {
    mode: 0o600,
  });
  return file;
}

const patchStatus = (node: string, changed: object) =>
  agent.send("PATCH", `${pathOf(node)}/status`, { status: changed }, "application/merge-patch+json");

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
  assert.match(await refusal("n2"), /^403 .*may write the status of NodePolicy n1 only, not of n2/);
});

test("an agent may read what its node must enforce", async () => {
  for (const resource of ["nodepolicies/n1", "rulesets", "addresssets", "nodeconfigs"])
    assert.equal((await agent.send("GET", `/apis/node.sallyport.dev/v1alpha1/${resource}`)).status, 200, resource);
});

test("an agent may neither change specs, nor create or delete, nor read anything else", async () => {
  const merge = "application/merge-patch+json";
  const tried = [
    await agent.send("PATCH", pathOf("n1"), { spec: { node: "n1", endpoints: [] } }, merge),
    await agent.send("DELETE", pathOf("n1")),
    await agent.send("GET", "/apis/sallyport.dev/v1alpha1/securitygroups"),
    await agent.send("GET", "/api/v1/pods"),
    await agent.send("GET", `/api/v1/namespaces/${systemNamespace}/secrets`),
    await agent.send("PATCH", "/apis/node.sallyport.dev/v1alpha1/nodeconfigs/default", { spec: {} }, merge),
  ];
  assert.deepEqual(
    tried.map((answer) => answer.status),
    tried.map(() => 403),
  );
});
