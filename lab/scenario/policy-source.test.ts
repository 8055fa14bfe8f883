import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryApi } from "../../operator/memory/api.ts";
import { configSpec } from "./config.ts";
import { PolicySource } from "./policy-source.ts";
import { SteppingClock } from "./stepping-clock.ts";

const web = { kind: "SecurityGroup", name: "web", namespace: "default" } as const;

async function start() {
  const api = new MemoryApi(new SteppingClock());
  const source = new PolicySource(configSpec.parse({}), api);
  await source.apply({
    apiVersion: "sallyport.dev/v1alpha1",
    kind: web.kind,
    metadata: { name: web.name },
    spec: { podSelector: {} },
  });
  const pod = { name: "web", namespace: "default", labels: {}, serviceAccount: "web" };
  const uid = await source.addPod(pod, []);
  return { api, source, uid };
}

test("namespaces and service accounts are made as they are needed", async () => {
  const { api } = await start();
  const namespace = await api.get({ kind: "Namespace", name: "default" });
  assert.deepEqual(namespace?.metadata.labels, { "kubernetes.io/metadata.name": "default" });
  assert.notEqual(await api.get({ kind: "ServiceAccount", name: "web", namespace: "default" }), undefined);
});

test("a namespace that exists keeps its labels when an object is put into it, and its name when it is relabelled", async () => {
  const { api, source } = await start();
  const labels = { tier: "a" };
  await source.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "team", labels } });
  await source.addPod({ name: "x", namespace: "team", labels: {}, serviceAccount: "default" }, []);
  const namespace = await api.get({ kind: "Namespace", name: "team" });
  assert.deepEqual(namespace?.metadata.labels, { tier: "a", "kubernetes.io/metadata.name": "team" });
});

test("what the node reports becomes the group's status", async () => {
  const { api, source, uid } = await start();
  const programmed = async () => {
    await source.compile();
    const status = (await api.get(web))?.status as
      | { conditions: readonly { type: string; status: string }[] }
      | undefined;
    return status?.conditions.find(({ type }) => type === "Programmed")?.status;
  };
  assert.equal(await programmed(), "Unknown");
  await source.report(await source.compile(), [{ uid, state: "NotProgrammed", message: "no interface" }]);
  assert.equal(await programmed(), "False");
  await source.report(await source.compile(), [{ uid, state: "Programmed" }]);
  assert.equal(await programmed(), "True");
});
