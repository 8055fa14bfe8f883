import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { applyDefinitions } from "../crds/server.ts";
import { run } from "./command.ts";
import { type Connection, connect } from "./connection.ts";
import { type ControlPlane, startControlPlane } from "./controlplane.ts";

/** Somebody's cluster, as far as the tests can tell. */
let plane: ControlPlane;
let admin: Connection;

before(async () => {
  plane = await startControlPlane();
  admin = connect(plane.kubeconfig);
});

after(async () => {
  admin.close();
  await plane.stop();
});

/** Runs end-to-end tests as a user does, in the cluster. */
function endToEnd(...names: readonly string[]) {
  const runner = fileURLToPath(new URL("../run.ts", import.meta.url));
  // With the variable the runner would take itself for a part of this test, and run nothing.
  const args = ["--unset=NODE_TEST_CONTEXT", process.execPath, runner, ...names];
  return run("env", args, { env: { KUBECONFIG: plane.kubeconfig } });
}

/** Names of everything that the tests could have left behind. */
async function found(): Promise<readonly string[]> {
  const lists = [
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "/api/v1/namespaces",
    "/api/v1/nodes",
    "/api/v1/pods",
  ];
  const answers = await Promise.all(lists.map((path) => admin.send("GET", path)));
  return answers.flatMap(({ body }) =>
    (body as { items: readonly { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name),
  );
}

test("tests run in the cluster of KUBECONFIG, say what can't run there, and leave nothing in it", async () => {
  const there = await found();
  const { code, stdout, stderr } = await endToEnd("operator/agent", "operator/compile", "operator/leader");
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  const asked = plane.auditEvents().filter(({ verb, objectRef }) => `${verb} ${objectRef?.name}` === "create n1");
  assert.equal(asked.length, 2, "each of the two files makes its nodes there");
  assert.match(stderr, /left out.* operator\/leader\.test\.ts, because it reads the audit log/);
  assert.match(stdout, /pass 12\b/);
  assert.deepEqual(await found(), there);
});

test("a cluster in which Sallyport is in use is not touched", async () => {
  await applyDefinitions(plane.kubeconfig);
  const groups = "/apis/sallyport.dev/v1alpha1/namespaces/default/securitygroups";
  const group = { apiVersion: "sallyport.dev/v1alpha1", kind: "SecurityGroup", metadata: { name: "mine" }, spec: {} };
  assert.equal((await admin.send("POST", groups, group)).status, 201);
  const { code, stdout } = await endToEnd("operator/agent");
  assert.equal(code, 1);
  assert.match(stdout, /has objects of Sallyport, as SecurityGroup mine; name another cluster/);
  assert.equal((await admin.send("GET", `${groups}/mine`)).status, 200);
  assert.ok(!(await found()).includes("sallyport-system"));
});
