import { type CompiledKind, compiledPlurals } from "../../crds/compiled.ts";
import type { OperatorConfig } from "../config.ts";
import { nothingTouched, type Touched } from "../incremental/compiled-index.ts";
import { HeldResolution } from "../incremental/held.ts";
import type { Change, FactKind } from "../incremental/objects.ts";
import { overviewOf } from "../incremental/overview.ts";
import { HeldStatuses, type StoredUserObjects } from "../incremental/statuses.ts";
import { type ApiPort, type Clock, describeRef, type Kind, type ObjectRef, type StoredObject } from "../ports.ts";
import { applyCompiled, diffCompiled, type StoredCompiled } from "../reconcile/apply.ts";
import { concurrently } from "../reconcile/concurrently.ts";
import { applyFinalizers, decideFinalizers } from "../reconcile/finalize.ts";
import { factsOf } from "../reconcile/gather.ts";
import { atOnce, type Pacer } from "../reconcile/pacer.ts";
import { reconcileCompiled } from "../reconcile/reconcile.ts";
import { resolveHoldings } from "../resolve/holders.ts";
import type { Overview } from "../resolve/resolution.ts";
import type { StatusChange } from "../status/status.ts";

/** What was worked out, and whether from everything or from the part that changes reach. */
export type Extent = "whole" | "part";

/** What the last round worked out. */
interface Held {
  readonly resolution: HeldResolution;
  readonly statuses: HeldStatuses;
}

/**
 * Rounds of work. What changes reach is worked out from a part of the cluster; only the first round, one after a
 * failure, and what a part cannot tell, from everything.
 */
export class Rounds {
  readonly #api: ApiPort;
  readonly #config: OperatorConfig;
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  #held: Held | undefined;

  constructor(api: ApiPort, config: OperatorConfig, clock: Clock, pacer = atOnce) {
    this.#api = api;
    this.#config = config;
    this.#clock = clock;
    this.#pacer = pacer;
  }

  /** Forgets what was worked out: the next round is one of everything. */
  forget(): void {
    this.#held = undefined;
    this.#pacer.forget();
  }

  /** Brings compiled objects and finalizers in line after changes of these objects (`Kind namespace/name`). */
  async compile(keys: readonly string[]): Promise<Extent> {
    const held = this.#held;
    // Until all is written, what is held is not what the API has.
    this.#held = undefined;
    const touched = held === undefined ? undefined : await this.#takeUp(held.resolution, keys);
    if (held === undefined || touched === undefined) {
      await this.#compileAll();
      return "whole";
    }
    await this.#write(held.resolution, touched);
    held.resolution.written();
    this.#held = held;
    return "part";
  }

  /** Writes the statuses that are not as they should be, from what the last round of compiling worked out. */
  async tell(): Promise<{ readonly overview: Overview; readonly changes: readonly StatusChange[] }> {
    const held = this.#held ?? (await this.#compileAll());
    // Until all is written, what is held takes more for told than is.
    this.#held = undefined;
    const changes = held.statuses.decide(await this.#userObjects(), this.#clock.now());
    await concurrently(changes, async ({ ref, status }) =>
      held.statuses.told(await this.#api.applyStatus(ref, status)),
    );
    this.#held = held;
    return { overview: overviewOf(held.resolution), changes };
  }

  async #compileAll(): Promise<Held> {
    const resolution = new HeldResolution(await reconcileCompiled(this.#api, this.#config, this.#pacer));
    this.#held = { resolution, statuses: new HeldStatuses(resolution) };
    return this.#held;
  }

  async #userObjects(): Promise<StoredUserObjects> {
    const items = async (kind: Kind) => (await this.#api.list(kind)).items;
    return {
      NodePolicy: await items("NodePolicy"),
      SecurityGroup: await items("SecurityGroup"),
      PrefixList: await items("PrefixList"),
      NetworkACL: await items("NetworkACL"),
      AllowanceProfile: await items("AllowanceProfile"),
      TrackingPolicy: await items("TrackingPolicy"),
    };
  }

  /** Takes the changes up, and with them the deletions that they let go (S-19); undefined where a part can't tell. */
  async #takeUp(held: HeldResolution, keys: readonly string[]): Promise<Touched | undefined> {
    const touched = nothingTouched();
    for (let left = keys; left.length > 0; ) {
      const changes = await this.#changesOf(left.map(refOfKey), touched);
      if (changes === undefined || !held.take(changes, touched)) return undefined;
      left = (await this.#finalize(held, changes)).map(describeRef);
    }
    return touched;
  }

  /**
   * The objects of these refs as they are now; undefined if one is of no kind that is known. A compiled object is to be
   * compared with what it should be: mostly it is our own write that comes back.
   */
  async #changesOf(refs: readonly ObjectRef[], touched: Touched): Promise<readonly Change[] | undefined> {
    const changes: Change[] = [];
    for (const { kind, namespace, name } of refs) {
      if (isCompiled(kind)) touched[kind].add(name);
      else if (isFactKind(kind)) changes.push(await this.#changeOf(kind, namespace, name));
      else return undefined;
    }
    return changes;
  }

  async #changeOf(kind: FactKind, namespace: string | undefined, name: string): Promise<Change> {
    const ref = namespace === undefined ? { kind, name } : { kind, namespace, name };
    const stored = await this.#api.get(ref);
    const read: (object: StoredObject) => unknown = factsOf[kind];
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    return { kind, key, after: stored === undefined ? undefined : read(stored) } as Change;
  }

  /** Puts finalizers on what is new, and takes them off what may go; returns what lost its own. */
  async #finalize(held: HeldResolution, changes: readonly Change[]): Promise<readonly ObjectRef[]> {
    const current = changes.flatMap(({ kind, after }) =>
      (kind === "SecurityGroup" || kind === "PrefixList") && after?.deleting === false ? [after] : [],
    );
    const { groups, prefixLists } = held.leaving();
    const holdings = resolveHoldings(held.holdingSources(prefixLists));
    return applyFinalizers(this.#api, decideFinalizers([...current, ...groups, ...prefixLists], holdings));
  }

  async #write(held: HeldResolution, touched: Touched): Promise<void> {
    for (const name of this.#pacer.waiting) touched.AddressSet.add(name);
    const stored = await this.#stored(touched);
    await applyCompiled(this.#api, this.#pacer.pace(stored, diffCompiled(stored, held.compiledOf(touched))));
  }

  /** The compiled objects of these names, as the API has them. */
  async #stored(touched: Touched): Promise<StoredCompiled> {
    const named = async (kind: CompiledKind, names: Iterable<string>) => {
      const found = await Promise.all([...names].map((name) => this.#api.get({ kind, name })));
      return found.filter((object) => object !== undefined);
    };
    return {
      RuleSet: await named("RuleSet", touched.RuleSet),
      AddressSet: await named("AddressSet", touched.AddressSet),
      NodePolicy: await named("NodePolicy", touched.NodePolicy),
      NodeConfig: await named("NodeConfig", ["default"]),
    };
  }
}

const isCompiled = (kind: Kind): kind is CompiledKind => kind in compiledPlurals;

const isFactKind = (kind: Kind): kind is FactKind => kind in factsOf;

/** The ref that `describeRef` made this of. */
function refOfKey(text: string): ObjectRef {
  const [kind = "", place = ""] = text.split(" ");
  const [first = "", second] = place.split("/");
  return second === undefined
    ? { kind: kind as Kind, name: first }
    : { kind: kind as Kind, namespace: first, name: second };
}
