import type { CompiledKind } from "../../crds/compiled.ts";
import type { AddressSet } from "../../semantics/policy.ts";
import { type ApiObject, type ApiPort, describeRef, type ObjectRef, refOf, type StoredObject } from "../ports.ts";
import type { CompiledObjects } from "../resolve/resolution.ts";
import { same } from "../same.ts";
import { toApiObjects } from "./compiled-objects.ts";
import { concurrently } from "./concurrently.ts";

/** Compiled objects as the API server has them. */
export type StoredCompiled = Readonly<Record<CompiledKind, readonly StoredObject[]>>;

/** An object that goes. */
interface Removal {
  readonly ref: ObjectRef;
  readonly uid: string;
}

/** The least that must be written, in the order in which it must be. */
export interface CompiledChanges {
  readonly writes: readonly ApiObject[];
  /** Names of the address sets among them that only lose addresses. */
  readonly losing: ReadonlySet<string>;
  readonly removals: readonly Removal[];
}

/** Kinds in the order of removal: what refers to others first. The one NodeConfig is never removed. */
const removalOrder = ["NodePolicy", "RuleSet", "AddressSet"] as const satisfies readonly CompiledKind[];

const isCurrent = (stored: StoredObject | undefined, { metadata, spec }: ApiObject): boolean =>
  stored !== undefined && same(stored.spec, spec) && same(stored.metadata.labels ?? {}, metadata.labels ?? {});

/**
 * Address sets that only lose addresses are written after those that gain some, so that a pod whose groups change is
 * in two sets for a moment and never in none.
 */
function losesOnly(stored: StoredObject | undefined, { kind, spec }: ApiObject): boolean {
  if (kind !== "AddressSet" || stored === undefined) return false;
  const [before, after] = [stored.spec, spec] as readonly [AddressSet, AddressSet];
  if (before.kind === "service" || after.kind === "service") return false;
  const known = new Set(before.cidrs);
  return after.cidrs.every((cidr) => known.has(cidr));
}

/**
 * What is written over must be what was decided upon: the object of this name, and for address sets, whose slices follow
 * from what is in them, the very version. Agents write the statuses of NodePolicies, which are new versions too.
 */
function withPrecondition(object: ApiObject, stored: StoredObject | undefined): ApiObject {
  if (stored === undefined) return object;
  const { uid, resourceVersion } = stored.metadata;
  const expected = object.kind === "AddressSet" ? { uid, resourceVersion } : { uid };
  return { ...object, metadata: { ...object.metadata, ...expected } };
}

/** What separates the compiled objects from those that are there. */
export function diffCompiled(stored: StoredCompiled, compiled: CompiledObjects): CompiledChanges {
  const before = new Map(
    Object.values(stored)
      .flat()
      .map((object) => [describeRef(refOf(object)), object]),
  );
  const storedOf = (object: ApiObject) => before.get(describeRef(refOf(object)));
  const wanted = toApiObjects(compiled);
  const changed = wanted.filter((object) => !isCurrent(storedOf(object), object));
  const { sets = [], others = [] } = Object.groupBy(
    changed.map((object) => withPrecondition(object, storedOf(object))),
    ({ kind }) => (kind === "AddressSet" ? "sets" : "others"),
  );
  const config = others.filter(({ kind }) => kind === "NodeConfig");
  const referring = others.filter(({ kind }) => kind !== "NodeConfig");
  const names = new Set(wanted.map((object) => describeRef(refOf(object))));
  const { losing = [], gaining = [] } = Object.groupBy(sets, (set) =>
    losesOnly(storedOf(set), set) ? "losing" : "gaining",
  );
  return {
    writes: [...config, ...gaining, ...losing, ...referring],
    losing: new Set(losing.map(({ metadata }) => metadata.name)),
    removals: removalOrder.flatMap((kind) =>
      stored[kind]
        .map((object) => ({ ref: refOf(object), uid: object.metadata.uid }))
        .filter(({ ref }) => !names.has(describeRef(ref))),
    ),
  };
}

/** Cuts a list into runs of neighbours that belong together. */
function runs<T>(items: readonly T[], together: (before: T, item: T) => boolean): readonly (readonly T[])[] {
  const found: T[][] = [];
  for (const item of items) {
    const last = found.at(-1);
    const before = last?.at(-1);
    if (last !== undefined && before !== undefined && together(before, item)) last.push(item);
    else found.push([item]);
  }
  return found;
}

/**
 * Carries the changes out, kind by kind: a failure leaves nothing that refers to what is not there. Address sets that
 * only lose wait for all that gain.
 */
export async function applyCompiled(api: ApiPort, { writes, losing, removals }: CompiledChanges): Promise<void> {
  const loses = ({ kind, metadata }: ApiObject) => kind === "AddressSet" && losing.has(metadata.name);
  const together = (before: ApiObject, object: ApiObject) =>
    before.kind === object.kind && loses(before) === loses(object);
  for (const run of runs(writes, together)) await concurrently(run, (object) => api.apply(object));
  for (const run of runs(removals, (before, removal) => before.ref.kind === removal.ref.kind))
    await concurrently(run, ({ ref, uid }) => api.delete(ref, uid));
}
