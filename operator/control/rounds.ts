import type { OperatorConfig } from "../config.ts";
import { type Changes, type PartChange, resolveChange } from "../incremental/change.ts";
import { HeldResolution } from "../incremental/held.ts";
import type { ApiPort, Clock, StoredObject } from "../ports.ts";
import { applyCompiled, diffCompiled, type StoredCompiled } from "../reconcile/apply.ts";
import { factsOf, readObjects, toSnapshot } from "../reconcile/gather.ts";
import { reconcileCompiled, reconcileStatuses } from "../reconcile/reconcile.ts";
import type { CompiledObjects, Resolution } from "../resolve/resolution.ts";
import type { EndpointSliceFacts } from "../snapshot.ts";
import type { StatusChange } from "../status/status.ts";

/** What was worked out, and whether from everything or from the part that had changed. */
export type Extent = "whole" | "part";

/**
 * Rounds of work. A change of pods and EndpointSlices alone is worked out from the part of the cluster that it can
 * reach; anything else, and what a part cannot tell, from everything.
 */
export class Rounds {
  readonly #api: ApiPort;
  readonly #config: OperatorConfig;
  readonly #clock: Clock;
  #held: HeldResolution | undefined;

  constructor(api: ApiPort, config: OperatorConfig, clock: Clock) {
    this.#api = api;
    this.#config = config;
    this.#clock = clock;
  }

  /** Forgets what was worked out: the next round is one of everything. */
  forget(): void {
    this.#held = undefined;
  }

  /** Brings compiled objects in line after changes of these objects (`Kind namespace/name`). */
  async compile(keys: readonly string[]): Promise<Extent> {
    const held = this.#held;
    this.#held = undefined;
    const changes = held === undefined ? undefined : await this.#changesOf(keys);
    if (held !== undefined && changes !== undefined) {
      const change = resolveChange(held, changes);
      if (change !== undefined) {
        await this.#write(change);
        change.commit();
        this.#held = held;
        return "part";
      }
    }
    await this.#compileAll();
    return "whole";
  }

  /** Writes the statuses that are not as they should be, from what the last round of compiling worked out. */
  async tell(): Promise<{ readonly resolution: Resolution; readonly changes: readonly StatusChange[] }> {
    const held = this.#held ?? (await this.#compileAll());
    const resolution = held.resolution(toSnapshot(await readObjects(this.#api)));
    return { resolution, changes: await reconcileStatuses(this.#api, resolution, this.#clock) };
  }

  async #compileAll(): Promise<HeldResolution> {
    const resolution = await reconcileCompiled(this.#api, this.#config);
    const held = new HeldResolution(resolution, await this.#slices());
    this.#held = held;
    return held;
  }

  /** The objects of these keys as they are now; undefined if one is neither pod nor EndpointSlice. */
  async #changesOf(keys: readonly string[]): Promise<Changes | undefined> {
    const pods: [string, ReturnType<typeof factsOf.Pod>][] = [];
    const slices: [string, EndpointSliceFacts | undefined][] = [];
    for (const text of keys) {
      const [kind, key = ""] = text.split(" ");
      const [namespace = "", name = ""] = key.split("/");
      if (kind === "Pod") pods.push([key, understood(await this.#api.get({ kind, namespace, name }), factsOf.Pod)]);
      else if (kind === "EndpointSlice")
        slices.push([key, understood(await this.#api.get({ kind, namespace, name }), factsOf.EndpointSlice)]);
      else return undefined;
    }
    return { pods: new Map(pods), slices: new Map(slices) };
  }

  async #write({ before, after }: PartChange): Promise<void> {
    await applyCompiled(this.#api, diffCompiled(await this.#stored(before, after), after));
  }

  /** The compiled objects that a part is about, as the API has them. */
  async #stored(before: CompiledObjects, after: CompiledObjects): Promise<StoredCompiled> {
    const named = async (kind: keyof StoredCompiled, names: readonly string[]) => {
      const found = await Promise.all([...new Set(names)].map((name) => this.#api.get({ kind, name })));
      return found.filter((object) => object !== undefined);
    };
    const both = [before, after];
    return {
      RuleSet: await named(
        "RuleSet",
        both.flatMap(({ ruleSets, acls }) => [...ruleSets, ...acls].map(({ name }) => name)),
      ),
      AddressSet: await named(
        "AddressSet",
        both.flatMap(({ addressSets }) => addressSets.map(({ name }) => name)),
      ),
      NodePolicy: await named(
        "NodePolicy",
        both.flatMap(({ nodePolicies }) => nodePolicies.map(({ node }) => node)),
      ),
      NodeConfig: await named("NodeConfig", ["default"]),
    };
  }

  async #slices(): Promise<Map<string, EndpointSliceFacts>> {
    const { items } = await this.#api.list("EndpointSlice");
    const known = items.map((item): [string, EndpointSliceFacts | undefined] => [
      `${item.metadata.namespace}/${item.metadata.name}`,
      factsOf.EndpointSlice(item),
    ]);
    return new Map(known.filter((entry): entry is [string, EndpointSliceFacts] => entry[1] !== undefined));
  }
}

function understood<Facts>(
  object: StoredObject | undefined,
  read: (stored: StoredObject) => Facts | undefined,
): Facts | undefined {
  return object === undefined ? undefined : read(object);
}
