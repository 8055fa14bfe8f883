import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CompiledKind } from "../../crds/compiled.ts";
import { type OperatorConfig, parseConfig } from "../config.ts";
import { Rounds } from "../control/rounds.ts";
import { inUseFinalizer } from "../finalizer.ts";
import { describeRef, refOf, type StoredObject } from "../ports.ts";
import { toApiObjects } from "../reconcile/compiled-objects.ts";
import { decideFinalizers } from "../reconcile/finalize.ts";
import { type Objects, readObjects, toSnapshot } from "../reconcile/gather.ts";
import { holdingSources, resolveHoldings } from "../resolve/holders.ts";
import { resolve } from "../resolve/resolve.ts";
import { decideStatuses } from "../status/status.ts";
import { type Cluster, SteppingClock } from "../test/cluster.ts";
import { prepared, type Step, step } from "./test/steps.ts";

const compiledKinds = ["RuleSet", "AddressSet", "NodePolicy", "NodeConfig"] as const satisfies readonly CompiledKind[];

/** The compiled objects that the API holds, without what the server adds. */
async function stored({ api }: Cluster) {
  const objects = await readObjects(api);
  const contents = compiledKinds.flatMap((kind) => objects[kind].map(contentOf));
  return new Map(contents);
}

const contentOf = ({ kind, metadata, spec }: Pick<StoredObject, "kind" | "metadata" | "spec">) =>
  [`${kind} ${metadata.name}`, { labels: metadata.labels, spec }] as const;

/** The objects that are left when all deletions that nothing holds have gone (S-19). */
function settled(objects: Objects, config: OperatorConfig): Objects {
  const resolution = resolve(toSnapshot(objects), config);
  const { groups, prefixLists } = resolution.snapshot;
  const changes = decideFinalizers([...groups, ...prefixLists], resolveHoldings(holdingSources(resolution)));
  const gone = new Set(changes.filter(({ present }) => !present).map(({ ref }) => describeRef(ref)));
  if (gone.size === 0) return objects;
  const stays = (object: StoredObject) => !gone.has(describeRef(refOf(object)));
  return settled(
    {
      ...objects,
      SecurityGroup: objects.SecurityGroup.filter(stays),
      PrefixList: objects.PrefixList.filter(stays),
    },
    config,
  );
}

/** What a round of everything would make of the cluster as it is. */
async function whole({ api }: Cluster, config: OperatorConfig) {
  const objects = settled(await readObjects(api), config);
  return new Map(
    toApiObjects(resolve(toSnapshot(objects), config).compiled).map((object) => contentOf(object as StoredObject)),
  );
}

/** Carries batches of steps out, with a round after each; how many rounds were of a part. */
async function holds(cluster: Cluster, config: OperatorConfig, batches: readonly (readonly Step[])[]): Promise<number> {
  const rounds = new Rounds(cluster.api, config, new SteppingClock());
  await rounds.compile(["everything"]);
  let parts = 0;
  for (const batch of batches) {
    const keys = new Set<string>();
    for (const one of batch) {
      const key = await one.carryOut(cluster);
      if (key !== undefined) keys.add(key);
    }
    const wanted = await whole(cluster, config);
    if ((await rounds.compile([...keys])) === "part") parts += 1;
    assert.deepEqual(await stored(cluster), new Map([...wanted].sort()));
    for (const kind of ["SecurityGroup", "PrefixList"] as const)
      for (const { metadata } of (await cluster.api.list(kind)).items)
        assert.deepEqual(metadata.finalizers, [inUseFinalizer], `${kind} ${metadata.name}`);
    await rounds.tell();
    const fresh = resolve(toSnapshot(await readObjects(cluster.api)), config);
    assert.deepEqual(decideStatuses(fresh, "1970-01-01T00:00:00Z"), []);
  }
  return parts;
}

const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 20 });

for (const [what, settings] of [
  ["usual quotas", {}],
  ["quotas that refuse much", { quotas: { groupsPerEndpoint: 2, rulesPerGroup: 6 } }],
  ["a default group", { defaultGroup: "default/ops" }],
] as const)
  test(`rounds of parts leave the API and the statuses as rounds of everything would, with ${what}`, async () => {
    const config = parseConfig(settings);
    let [parts, all] = [0, 0];
    await fc.assert(
      fc.asyncProperty(batches, async (some) => {
        parts += await holds(await prepared(settings), config, some);
        all += some.length;
      }),
      { numRuns: 100 },
    );
    // The rest had EndpointSlices that list pods of other namespaces.
    assert.ok(parts > all / 2, `${parts} of ${all} rounds were of a part`);
  });
