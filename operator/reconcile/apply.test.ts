import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type CompiledKind, compiledApiVersion } from "../../crds/compiled.ts";
import type { AddressSet, Cidr } from "../../semantics/policy.ts";
import { type ApiObject, type ApiPort, describeRef, type ObjectRef, refOf, type StoredObject } from "../ports.ts";
import type { CompiledObjects } from "../resolve/resolution.ts";
import { applyCompiled, diffCompiled } from "./apply.ts";

/** An API that takes its time, and knows who was under way together. */
class SlowApi implements Pick<ApiPort, "apply" | "delete"> {
  readonly refused: ReadonlySet<string>;
  readonly done: string[] = [];
  readonly together = new Set<string>();
  readonly #underWay: string[] = [];

  constructor(...refused: readonly string[]) {
    this.refused = new Set(refused);
  }

  async apply(object: ApiObject): Promise<StoredObject> {
    await this.#take(refOf(object));
    return object as StoredObject;
  }

  delete(ref: ObjectRef): Promise<void> {
    return this.#take(ref);
  }

  async #take(ref: ObjectRef): Promise<void> {
    const own = describeRef(ref);
    for (const other of this.#underWay) this.together.add(`${other}, ${own}`);
    this.#underWay.push(own);
    await turn();
    this.#underWay.splice(this.#underWay.indexOf(own), 1);
    if (this.refused.has(own)) throw new Error(`refused: ${own}`);
    this.done.push(own);
  }
}

const object = (kind: CompiledKind, name: string): ApiObject => ({
  apiVersion: compiledApiVersion,
  kind,
  metadata: { name },
});

const removal = (kind: CompiledKind, name: string) => ({ ref: { kind, name }, uid: name });

const apply = (
  api: SlowApi,
  writes: readonly ApiObject[],
  removals: readonly ReturnType<typeof removal>[] = [],
  losing: readonly string[] = [],
) => applyCompiled(api as unknown as ApiPort, { writes, losing: new Set(losing), removals });

test("objects of one kind are written together, those of another when all of these are there", async () => {
  const api = new SlowApi();
  const kinds = ["AddressSet", "RuleSet", "NodePolicy"] as const;
  await apply(
    api,
    kinds.flatMap((kind) => [object(kind, "a"), object(kind, "b")]),
    [removal("RuleSet", "old"), removal("RuleSet", "older"), removal("AddressSet", "old")],
  );
  assert.deepEqual([...api.together], [...kinds.map((kind) => `${kind} a, ${kind} b`), "RuleSet old, RuleSet older"]);
  assert.equal(api.done.length, 9);
});

test("address sets that lose wait for those that gain: a pod is in two for a moment, and never in none", async () => {
  const api = new SlowApi();
  const sets = ["gains", "new", "loses", "loses too"].map((name) => object("AddressSet", name));
  await apply(api, sets, [], ["loses", "loses too"]);
  assert.deepEqual([...api.together], ["AddressSet gains, AddressSet new", "AddressSet loses, AddressSet loses too"]);
  assert.equal(api.done.length, 4);
});

test("where an object is refused, none that refers to it is written and nothing is removed", async () => {
  const api = new SlowApi("RuleSet b");
  const writes = [object("RuleSet", "a"), object("RuleSet", "b"), object("NodePolicy", "a")];
  await assert.rejects(apply(api, writes, [removal("RuleSet", "old")]), /refused: RuleSet b/);
  assert.deepEqual(api.done, ["RuleSet a"]);
});

test("a set that gains and loses counts as gaining; one that only loses, and is there, as losing", () => {
  const set = (name: string, ...addresses: readonly string[]): AddressSet => {
    return { kind: "members", name, groups: [], cidrs: addresses as readonly Cidr[] };
  };
  const stored = (spec: AddressSet): StoredObject => {
    const metadata = { name: spec.name, uid: "u", resourceVersion: "1", generation: 1, creationTimestamp: "" };
    return { apiVersion: compiledApiVersion, kind: "AddressSet", metadata, spec };
  };
  const before = [set("gains", "1"), set("both", "1"), set("loses", "1", "2"), set("empty", "1")].map(stored);
  const addressSets = [set("gains", "1", "2"), set("both", "2"), set("loses", "2"), set("empty"), set("new")];
  const compiled = { ruleSets: [], acls: [], nodePolicies: [], addressSets, config: {} } as unknown as CompiledObjects;
  const { losing, writes } = diffCompiled(
    { RuleSet: [], AddressSet: before, NodePolicy: [], NodeConfig: [] },
    compiled,
  );
  assert.deepEqual([...losing], ["loses", "empty"]);
  const sets = writes.filter(({ kind }) => kind === "AddressSet").map(({ metadata }) => metadata.name);
  assert.deepEqual(sets, ["gains", "both", "new", "loses", "empty"]);
});
