import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { z } from "zod";
import { casesOf, corpusKinds, objectOf } from "../../crds/corpus/cases.ts";
import type { DeepReadonly } from "../../crds/readonly.ts";
import type { userStatuses } from "../../crds/status.ts";
import { type ApiObject, type Kind, kinds, refOf, type UserKind } from "../../operator/ports.ts";
import type { AllowanceProfileStatus } from "../../operator/status/allowance-profile.ts";
import type { NetworkAclStatus } from "../../operator/status/network-acl.ts";
import type { PrefixListStatus } from "../../operator/status/prefix-list.ts";
import type { SecurityGroupStatus } from "../../operator/status/security-group.ts";
import type { TrackingPolicyStatus } from "../../operator/status/tracking-policy.ts";
import { Cluster as MemoryCluster } from "../../operator/test/cluster.ts";
import { type Connection, connect } from "../cluster/connection.ts";
import { openCluster } from "../cluster/usercluster.ts";
import { applyDefinitions } from "./server.ts";

interface Statuses {
  readonly SecurityGroup: SecurityGroupStatus;
  readonly PrefixList: PrefixListStatus;
  readonly NetworkACL: NetworkAclStatus;
  readonly AllowanceProfile: AllowanceProfileStatus;
  readonly TrackingPolicy: TrackingPolicyStatus;
}

/** Does not compile when the operator may write a status that its schema does not take. */
const fits: { readonly [K in UserKind]: (status: Statuses[K]) => DeepReadonly<z.input<(typeof userStatuses)[K]>> } = {
  SecurityGroup: (status) => status,
  PrefixList: (status) => status,
  NetworkACL: (status) => status,
  AllowanceProfile: (status) => status,
  TrackingPolicy: (status) => status,
};

const compiledKinds = ["RuleSet", "AddressSet", "NodePolicy", "NodeConfig"] as const;

const opened = new AsyncDisposableStack();
let connection: Connection;

before(async () => {
  const cluster = await openCluster();
  opened.defer(() => cluster.stop());
  await applyDefinitions(cluster.kubeconfig);
  connection = connect(cluster.kubeconfig);
  opened.defer(() => connection.close());
});

after(() => opened.disposeAsync());

/** Every valid object of the corpus, pods that they select, and what the operator makes of them. */
async function compiledCorpus(): Promise<MemoryCluster> {
  const memory = new MemoryCluster();
  await memory.put("Namespace", "default", {});
  for (const kind of corpusKinds)
    for (const [index, entry] of casesOf(kind).entries()) {
      if (entry.refused !== undefined) continue;
      const name = kind === "TrackingPolicy" ? "default" : `case-${index}`;
      const object = objectOf(kind, { ...entry, metadata: { name } }) as ApiObject;
      await memory.put(kind, name, object.spec as object, {});
    }
  await memory.group("web", { ingress: [{ protocol: "tcp", ports: 80, from: [{ securityGroup: { name: "web" } }] }] });
  await memory.group("stale", { ingress: [{ protocol: "all", from: [{ prefixList: "nowhere" }] }] });
  const rule = { protocol: "all", from: [{ prefixList: "case-0" }] };
  await memory.group("twice", { ingress: [rule, rule] });
  for (const [name, labels] of Object.entries({ a: { web: "", stale: "" }, b: { web: "", twice: "" } }))
    await memory.pod(name, { labels, addresses: [`198.51.100.${name.charCodeAt(0)}`, `2001:db8::${name}`] });
  await memory.pod("host", { labels: { web: "" }, hostNetwork: true });
  await memory.reconcile();
  await memory.report("n1", { b: "the agent could not load it" });
  return memory;
}

/** What an object's own server would not take back. */
function bare({ apiVersion, kind, metadata, spec, status }: ApiObject): Record<string, unknown> {
  const { name, namespace, labels } = metadata;
  const kept = { name, ...(namespace === undefined ? {} : { namespace }), ...(labels === undefined ? {} : { labels }) };
  return { apiVersion, kind, metadata: kept, spec, ...(status === undefined ? {} : { status }) };
}

const plurals: Readonly<Partial<Record<Kind, string>>> = {
  RuleSet: "rulesets",
  AddressSet: "addresssets",
  NodePolicy: "nodepolicies",
  NodeConfig: "nodeconfigs",
  SecurityGroup: "securitygroups",
  PrefixList: "prefixlists",
  NetworkACL: "networkacls",
  AllowanceProfile: "allowanceprofiles",
  TrackingPolicy: "trackingpolicies",
};

function pathOf(object: ApiObject): string {
  const { kind, namespace } = refOf(object);
  const place = kinds[kind].namespaced ? `/namespaces/${namespace}` : "";
  return `/apis/${kinds[kind].apiVersion}${place}/${plurals[kind]}`;
}

/** Creates the object, writes its status, compares what the server kept, and deletes it. */
async function roundTrip(object: ApiObject): Promise<void> {
  const what = `${object.kind} ${object.metadata.name}`;
  const sent = bare(object);
  const path = `${pathOf(object)}/${object.metadata.name}`;
  const created = await connection.send("POST", `${pathOf(object)}?fieldValidation=Strict`, sent);
  assert.equal(created.status, 201, `${what}: ${JSON.stringify(created.body)}`);
  try {
    if (object.status === undefined) return;
    const stored = created.body as ApiObject;
    const answer = await connection.send("PUT", `${path}/status?fieldValidation=Strict`, {
      ...stored,
      status: object.status,
    });
    assert.equal(answer.status, 200, `status of ${what}: ${JSON.stringify(answer.body)}`);
    assert.deepEqual((answer.body as ApiObject).status, object.status, what);
  } finally {
    await connection.send("DELETE", path);
  }
}

test("the API server takes all compiled objects and statuses as the operator and the agent write them", async () => {
  const memory = await compiledCorpus();
  const written = new Map<Kind, number>();
  for (const kind of [...compiledKinds, ...(Object.keys(fits) as UserKind[])]) {
    const { items } = await memory.api.list(kind);
    for (const item of items) await roundTrip(item);
    written.set(kind, items.length);
  }
  assert.ok(
    [...written.values()].every((count) => count > 0),
    JSON.stringify([...written]),
  );
});
