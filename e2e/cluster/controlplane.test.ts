import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { kubernetesBinary } from "./binaries.ts";
import { run } from "./command.ts";
import { connect } from "./connection.ts";
import { type ControlPlane, startControlPlane } from "./controlplane.ts";
import { nodeUser, serviceAccountUser } from "./kubeconfig.ts";
import { kubernetesVersion } from "./versions.ts";

let plane: ControlPlane;

before(async () => {
  plane = await startControlPlane();
});

after(() => plane.stop());

/** Sends one request as this user and gives the answer. */
async function ask(kubeconfig: string, method: string, path: string, body?: object) {
  const connection = connect(kubeconfig);
  try {
    return await connection.send(method, path, body);
  } finally {
    connection.close();
  }
}

const configMap = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "b" } });
const configMaps = "/api/v1/namespaces/default/configmaps";

test("the API server is of the version that is asked for", async () => {
  const { body } = await ask(plane.kubeconfig, "GET", "/version");
  assert.equal((body as { readonly gitVersion: string }).gitVersion, kubernetesVersion);
});

test("kubectl works with the kubeconfig", async () => {
  const kubectl = await kubernetesBinary("kubectl");
  const { code, stdout, stderr } = await run(kubectl, [
    "--kubeconfig",
    plane.kubeconfig,
    "get",
    "namespaces",
    "-o",
    "name",
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^namespace\/default$/m);
});

describe("users", () => {
  test("a service account may do nothing until RBAC says so, and then that alone", async () => {
    const user = serviceAccountUser("default", "operator");
    const kubeconfig = await plane.kubeconfigFor(user);
    assert.equal((await ask(kubeconfig, "GET", configMaps)).status, 403);
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    const metadata = { name: "reader" };
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }];
    await ask(plane.kubeconfig, "POST", `${rbac}/clusterroles`, { metadata, rules });
    const binding = {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
      subjects: [{ kind: "ServiceAccount", namespace: "default", name: "operator" }],
    };
    await ask(plane.kubeconfig, "POST", `${rbac}/clusterrolebindings`, binding);
    await eventually(async () => (await ask(kubeconfig, "GET", configMaps)).status === 200);
    assert.equal((await ask(kubeconfig, "POST", configMaps, configMap("x"))).status, 403);
  });

  test("a node may write itself and no other node", async () => {
    const node = await plane.kubeconfigFor(nodeUser("n1"));
    const named = (name: string) => ({ apiVersion: "v1", kind: "Node", metadata: { name } });
    assert.equal((await ask(node, "POST", "/api/v1/nodes", named("n1"))).status, 201);
    assert.equal((await ask(node, "POST", "/api/v1/nodes", named("n2"))).status, 403);
  });
});

test("a request is in the audit log when it is answered", async () => {
  await ask(plane.kubeconfig, "POST", configMaps, configMap("logged"));
  const events = plane.auditEvents().filter(({ objectRef }) => objectRef?.name === "logged");
  assert.deepEqual(
    events.map(({ verb, user, responseStatus }) => [verb, user.username, responseStatus?.code]),
    [["create", "sallyport-admin", 201]],
  );
});

describe("parts that crash", () => {
  for (const part of ["apiServer", "etcd"] as const)
    test(`${part} can be killed and started again, and nothing is lost`, async () => {
      const name = `before-${part.toLowerCase()}`;
      assert.equal((await ask(plane.kubeconfig, "POST", configMaps, configMap(name))).status, 201);
      await plane[part].kill();
      assert.equal(plane[part].pid, undefined);
      await plane.ready();
      assert.equal((await ask(plane.kubeconfig, "GET", `${configMaps}/${name}`)).status, 200);
    });
});

test("a second control plane runs beside the first, and leaves nothing", async () => {
  const second = await startControlPlane();
  assert.notEqual(second.server, plane.server);
  const pids = [second.etcd, second.apiServer, second.controllerManager, second.scheduler].map(({ pid }) => pid);
  assert.ok(pids.every((pid) => existsSync(`/proc/${pid}`)));
  await second.stop();
  assert.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  );
  assert.ok(!existsSync(second.folder));
  assert.ok(readdirSync(plane.folder).length > 0);
});

/** Until it is so; a test that waits in vain ends by its runner's patience, with this line on its stack. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}
