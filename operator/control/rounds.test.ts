import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { NodePolicyStatus } from "../../crds/compiled.ts";
import { parseConfig } from "../config.ts";
import type { Write } from "../memory/api.ts";
import { ApiError, type ApiPort, describeRef, type ObjectRef } from "../ports.ts";
import { readObjects, toSnapshot } from "../reconcile/gather.ts";
import { resolve } from "../resolve/resolve.ts";
import type { AllowanceProfileStatus } from "../status/allowance-profile.ts";
import type { SecurityGroupStatus } from "../status/security-group.ts";
import { Cluster, cidr, list, member, SteppingClock, tcp } from "../test/cluster.ts";
import { Rounds } from "./rounds.ts";

const anybody = cidr("0.0.0.0/0");

/** Two namespaces of two groups each, and pods in them; everything is worked out and written. */
class Rig {
  readonly cluster = new Cluster();
  /** What the API answers with next: `Conflict`, once. */
  failing = false;
  readonly rounds: Rounds;

  constructor() {
    const api = this.cluster.api;
    const port: ApiPort = {
      get: (ref) => api.get(ref),
      list: (kind) => api.list(kind),
      apply: (object) => {
        if (!this.failing) return api.apply(object);
        this.failing = false;
        return Promise.reject(new ApiError("Conflict", `${object.metadata.name}: not now`));
      },
      applyStatus: (ref, status) => api.applyStatus(ref, status),
      finalize: (ref, finalizer, present) => api.finalize(ref, finalizer, present),
      delete: (ref, uid) => api.delete(ref, uid),
    };
    this.rounds = new Rounds(port, parseConfig({}), new SteppingClock());
  }

  async start(): Promise<void> {
    for (const namespace of ["default", "other"]) {
      for (const name of ["web", "db"]) {
        await this.cluster.group(name, { ingress: [tcp("80", anybody)] }, { namespace });
        const addresses = [`10.244.${namespace === "other" ? 1 : 0}.${name === "web" ? 1 : 2}`];
        await this.cluster.pod(name, { namespace, labels: { [name]: "" }, node: `n-${name}`, addresses });
      }
      const labels = { web: "", db: "" };
      await this.cluster.pod("both", { namespace, labels, node: "n-both", addresses: [] });
    }
    assert.equal(await this.rounds.compile(["everything"]), "whole");
    await this.rounds.tell();
  }

  /** What the work writes, in order. */
  async writesOf(work: () => Promise<unknown>): Promise<readonly Write[]> {
    const before = this.cluster.api.writes.length;
    await work();
    return this.cluster.api.writes.slice(before);
  }

  /** The agent of a node says the same of all its endpoints. */
  async report(node: string, told: { readonly state: string; readonly message?: string }): Promise<void> {
    const { compiled } = resolve(toSnapshot(await readObjects(this.cluster.api)), parseConfig({}));
    const stored = await this.cluster.api.get({ kind: "NodePolicy", name: node });
    const endpoints = compiled.nodePolicies.find((policy) => policy.node === node)?.endpoints ?? [];
    const status: NodePolicyStatus = {
      observedGeneration: stored?.metadata.generation ?? 0,
      config: compiled.config.revision,
      revisions: Object.fromEntries(compiled.ruleSets.map(({ name, revision }) => [name, revision])),
      endpoints: endpoints.map(({ pod }) => ({ uid: pod.uid, ...told }) as NodePolicyStatus["endpoints"][number]),
    };
    await this.cluster.api.applyStatus({ kind: "NodePolicy", name: node }, status);
  }

  /** Kinds of what a round after a change of these objects writes; it must be one of a part. */
  async partOf(...keys: readonly string[]): Promise<readonly string[]> {
    const writes = await this.writesOf(async () => assert.equal(await this.rounds.compile(keys), "part"));
    return writes.map(({ verb, ref }) => `${verb} ${ref.kind}`);
  }
}

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  await rig.start();
});

test("a changed rule is one write for each combination of groups, and nothing else", async () => {
  await rig.cluster.group("web", { ingress: [tcp("81", anybody)] });
  assert.deepEqual(await rig.partOf("SecurityGroup default/web"), ["update RuleSet", "update RuleSet"]);
});

test("a rule that is the first to refer to a group of another namespace makes its members' set before the rule", async () => {
  await rig.cluster.group("db", { ingress: [tcp("80", member("web", "other"))] });
  assert.deepEqual(await rig.partOf("SecurityGroup default/db"), [
    "create AddressSet",
    "update RuleSet",
    "update RuleSet",
  ]);
  await rig.cluster.group("db", { ingress: [tcp("80", anybody)] });
  assert.deepEqual(await rig.partOf("SecurityGroup default/db"), [
    "update RuleSet",
    "update RuleSet",
    "delete AddressSet",
  ]);
});

test("entries of a prefix list change its address set and, where tracked, the NodeConfig", async () => {
  const put = (entry: string, maxEntries = 1) =>
    rig.cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries, entries: [cidr(entry)] });
  await put("203.0.113.0/24");
  await rig.cluster.group("web", { ingress: [tcp("80", list("l"))] });
  await rig.partOf("PrefixList l", "SecurityGroup default/web");
  await put("203.0.113.0/25");
  assert.deepEqual(await rig.partOf("PrefixList l"), ["update AddressSet"]);
  await rig.cluster.put("TrackingPolicy", "default", { paths: [{ name: "lambda", prefixLists: ["l"] }] });
  assert.deepEqual(await rig.partOf("TrackingPolicy default"), ["update NodeConfig"]);
  await put("203.0.113.0/26");
  assert.deepEqual(await rig.partOf("PrefixList l"), ["update NodeConfig", "update AddressSet"]);
  await put("203.0.113.0/26", 61);
  assert.deepEqual(
    await rig.partOf("PrefixList l"),
    [],
    "the group is over its quota: its endpoints keep what they had",
  );
  await rig.rounds.tell();
  const { conditions } = await rig.cluster.status<SecurityGroupStatus>("SecurityGroup", "web");
  assert.equal(conditions[0]?.reason, "QuotaExceeded");
});

test("a network ACL's rules are one write, its first and its last one all endpoints of the namespace", async () => {
  const rule = (number: number) => ({ number, action: "allow", protocol: "all", cidr: "0.0.0.0/0" });
  const nodes = Array(3).fill("update NodePolicy");
  await rig.cluster.put("NetworkACL", "acl", { inbound: [rule(100)] });
  assert.deepEqual(await rig.partOf("NetworkACL default/acl"), ["create AddressSet", "create RuleSet", ...nodes]);
  await rig.cluster.put("NetworkACL", "acl", { inbound: [rule(200)] });
  assert.deepEqual(await rig.partOf("NetworkACL default/acl"), ["update RuleSet"]);
  await rig.cluster.remove("NetworkACL", "acl");
  assert.deepEqual(await rig.partOf("NetworkACL default/acl"), [...nodes, "delete RuleSet", "delete AddressSet"]);
});

test("our own writes come back without work, and what somebody else did to them is put right", async () => {
  const written = rig.cluster.api.writes.map(({ ref }) => describeRef(ref));
  assert.deepEqual(await rig.partOf(...new Set(written)), []);
  const [ruleSet] = (await rig.cluster.api.list("RuleSet")).items;
  assert.ok(ruleSet);
  const ref: ObjectRef = { kind: "RuleSet", name: ruleSet.metadata.name };
  await rig.cluster.api.delete(ref);
  assert.deepEqual(await rig.partOf(describeRef(ref)), ["create RuleSet"]);
  const { apiVersion, kind, metadata, spec } = ruleSet;
  await rig.cluster.api.apply({ apiVersion, kind, metadata: { name: "foreign" }, spec });
  assert.deepEqual(await rig.partOf("RuleSet foreign"), ["delete RuleSet"]);
  assert.deepEqual((await rig.cluster.api.get(ref))?.spec, spec, metadata.name);
});

test("after a write that failed everything is worked out again", async () => {
  await rig.cluster.group("web", { ingress: [tcp("81", anybody)] });
  rig.failing = true;
  await assert.rejects(rig.rounds.compile(["SecurityGroup default/web"]), /not now/);
  const writes = await rig.writesOf(async () => assert.equal(await rig.rounds.compile([]), "whole"));
  assert.deepEqual(new Set(writes.map(({ ref }) => ref.kind)), new Set(["RuleSet"]));
});

test("a key of no kind that is known is a round of everything", async () => {
  assert.equal(await rig.rounds.compile(["Secret default/s"]), "whole");
  assert.deepEqual(await rig.partOf("Pod default/web"), []);
});

test("a new group gets its finalizer; one to be deleted goes in the round in which its last pod goes (S-19)", async () => {
  const exists = async (): Promise<boolean> =>
    (await rig.cluster.api.get({ kind: "SecurityGroup", namespace: "default", name: "ops" })) !== undefined;
  await rig.cluster.group("ops", { ingress: [tcp("22", member("ops"))] });
  assert.deepEqual(await rig.partOf("SecurityGroup default/ops"), ["finalize SecurityGroup"]);
  await rig.cluster.pod("ops", { labels: { ops: "" }, node: "n-ops" });
  await rig.partOf("Pod default/ops");
  await rig.cluster.remove("SecurityGroup", "ops");
  assert.deepEqual(await rig.partOf("SecurityGroup default/ops"), []);
  assert.equal(await exists(), true);
  await rig.cluster.remove("Pod", "ops");
  assert.deepEqual(await rig.partOf("Pod default/ops"), [
    "delete SecurityGroup",
    "delete NodePolicy",
    "delete RuleSet",
  ]);
  assert.equal(await exists(), false);
});

test("a group that is changed and goes in one round leaves the rules that were in force to who keeps them (S-75)", async () => {
  await rig.cluster.put("NetworkACL", "acl", {});
  await rig.cluster.pod("web", { labels: { web: "" }, node: "n-web" });
  await rig.partOf("NetworkACL default/acl", "Pod default/web");
  await rig.cluster.put("NetworkACL", "acl", { inbound: "wrong" });
  await rig.partOf("NetworkACL default/acl");
  const annotations = { "sallyport.dev/force-delete": "" };
  await rig.cluster.group("web", { ingress: [tcp("81", anybody)] }, { annotations });
  await rig.cluster.remove("SecurityGroup", "web");
  assert.deepEqual(await rig.partOf("SecurityGroup default/web"), ["delete SecurityGroup"]);
});

test("a prefix list to be deleted goes when the last rule of any namespace forgets it (S-19)", async () => {
  await rig.cluster.put("PrefixList", "l", { addressFamily: "IPv4", maxEntries: 1 });
  await rig.cluster.group("web", { ingress: [tcp("80", list("l"))] }, { namespace: "other" });
  await rig.partOf("PrefixList l", "SecurityGroup other/web");
  await rig.cluster.remove("PrefixList", "l");
  assert.deepEqual(await rig.partOf("PrefixList l"), []);
  await rig.cluster.group("web", { ingress: [] }, { namespace: "other" });
  assert.deepEqual(await rig.partOf("SecurityGroup other/web"), [
    "delete PrefixList",
    "update RuleSet",
    "update RuleSet",
  ]);
});

test("as long as a slice lists a pod of another namespace, every round is one of everything", async () => {
  const [foreign] = (await rig.cluster.api.list("Pod")).items.filter(({ metadata }) => metadata.namespace === "other");
  const put = (uid: string | undefined) =>
    rig.cluster.put(
      "EndpointSlice",
      "s",
      {},
      {},
      {
        addressType: "IPv4",
        endpoints: [{ addresses: ["192.0.2.1"], targetRef: { kind: "Pod", uid } }],
        ports: [],
      },
    );
  const extent = () => rig.rounds.compile(["EndpointSlice default/s"]);
  await put(foreign?.metadata.uid);
  assert.equal(await extent(), "whole");
  assert.equal(await extent(), "whole");
  await put("nobody");
  assert.equal(await extent(), "whole", "what it did before reaches further than its own namespace");
  assert.equal(await extent(), "part");
});

test("statuses are written where something changed, and put right where somebody else wrote", async () => {
  const told = async (): Promise<readonly string[]> =>
    (await rig.writesOf(() => rig.rounds.tell())).map(({ verb, ref }) => `${verb} ${describeRef(ref)}`);
  assert.deepEqual(await told(), []);
  await rig.cluster.pod("more", { labels: { web: "" }, node: "n-web" });
  await rig.partOf("Pod default/more");
  assert.deepEqual(await told(), ["status SecurityGroup default/web"]);
  await rig.report("n-db", { state: "NotProgrammed", message: "no interface" });
  assert.deepEqual(await told(), ["status SecurityGroup default/db", "status SecurityGroup other/db"]);
  assert.deepEqual(await told(), []);
  const ref: ObjectRef = { kind: "SecurityGroup", namespace: "other", name: "web" };
  await rig.cluster.api.applyStatus(ref, { conditions: [] });
  assert.deepEqual(await told(), ["status SecurityGroup other/web"]);
  const { attached } = await rig.cluster.status<SecurityGroupStatus>("SecurityGroup", "web", "other");
  assert.equal(attached, 2);
});

test("a profile is no longer programmed where the node's policy changes for a pod of another namespace", async () => {
  const programmed = async (): Promise<number> => {
    await rig.rounds.tell();
    return (await rig.cluster.status<AllowanceProfileStatus>("AllowanceProfile", "usual")).programmed;
  };
  await rig.cluster.put("AllowanceProfile", "usual", { namespaceSelector: { matchLabels: { paid: "" } } });
  await rig.cluster.put("Namespace", "other", {}, { labels: { paid: "" } });
  await rig.cluster.pod("alone", { namespace: "third", node: "n-web" });
  await rig.partOf("AllowanceProfile usual", "Namespace other", "Pod third/alone");
  await rig.report("n-web", { state: "Programmed" });
  assert.equal(await programmed(), 1);
  await rig.cluster.remove("Pod", "alone", "third");
  assert.deepEqual(await rig.partOf("Pod third/alone"), ["update NodePolicy"]);
  assert.equal(await programmed(), 0);
});

test("who is in a slice of a group's members stays there when others go", async () => {
  await rig.cluster.group("web", { ingress: [tcp("80", member("web"))] });
  const pods = Array.from({ length: 101 }, (_, at) => `m${String(at).padStart(3, "0")}`);
  for (const [at, name] of pods.entries())
    await rig.cluster.pod(name, { labels: { web: "" }, node: null, addresses: [`10.244.9.${at}`] });
  await rig.partOf("SecurityGroup default/web", ...pods.map((name) => `Pod default/${name}`));
  assert.equal((await rig.cluster.api.list("AddressSet")).items.length, 2);
  await rig.cluster.remove("Pod", "m000");
  assert.deepEqual(await rig.partOf("Pod default/m000"), ["update AddressSet"]);
});

test("a group that comes or goes is told of where rules of other namespaces refer to it (S-12)", async () => {
  const stale = async () =>
    (await rig.cluster.status<SecurityGroupStatus>("SecurityGroup", "web", "other")).staleRules.length;
  await rig.cluster.group("web", { ingress: [tcp("80", member("ops", "default"))] }, { namespace: "other" });
  await rig.partOf("SecurityGroup other/web");
  await rig.rounds.tell();
  assert.equal(await stale(), 1);
  await rig.cluster.group("ops", {});
  await rig.partOf("SecurityGroup default/ops");
  await rig.rounds.tell();
  assert.equal(await stale(), 0);
});
