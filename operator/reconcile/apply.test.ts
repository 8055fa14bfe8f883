import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type CompiledKind, compiledApiVersion } from "../../crds/compiled.ts";
import { type ApiObject, type ApiPort, describeRef, type ObjectRef, refOf, type StoredObject } from "../ports.ts";
import { applyCompiled } from "./apply.ts";

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

const object = (kind: CompiledKind, name: string, uid?: string): ApiObject => ({
  apiVersion: compiledApiVersion,
  kind,
  metadata: { name, ...(uid === undefined ? {} : { uid }) },
});

const removal = (kind: CompiledKind, name: string) => ({ ref: { kind, name }, uid: name });

const apply = (api: SlowApi, writes: readonly ApiObject[], removals: readonly ReturnType<typeof removal>[] = []) =>
  applyCompiled(api as unknown as ApiPort, { writes, removals });

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

test("address sets that are there change one after the other: a pod is in two for a moment, and never in none", async () => {
  const api = new SlowApi();
  await apply(api, [
    object("AddressSet", "gains", "1"),
    object("AddressSet", "new"),
    object("AddressSet", "loses", "2"),
  ]);
  assert.deepEqual([...api.together], []);
  assert.deepEqual(api.done, ["AddressSet gains", "AddressSet new", "AddressSet loses"]);
});

test("where an object is refused, none that refers to it is written and nothing is removed", async () => {
  const api = new SlowApi("RuleSet b");
  const writes = [object("RuleSet", "a"), object("RuleSet", "b"), object("NodePolicy", "a")];
  await assert.rejects(apply(api, writes, [removal("RuleSet", "old")]), /refused: RuleSet b/);
  assert.deepEqual(api.done, ["RuleSet a"]);
});
