import type { AddressSet, EndpointPolicy, GroupKey } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import { podAddressSets, prefixListSets } from "../resolve/address-sets.ts";
import type { HoldingSources } from "../resolve/holders.ts";
import { resolvePolicies } from "../resolve/policies.ts";
import type { CompiledObjects, Resolution } from "../resolve/resolution.ts";
import { resolveNodeConfig } from "../resolve/tracking.ts";
import type { GroupObject, PrefixListObject, Snapshot } from "../snapshot.ts";
import { CompiledIndex, nothingTouched, type Touched } from "./compiled-index.ts";
import { EntangledSlices } from "./entangled.ts";
import { changedNodes, exchangeEndpoints } from "./nodes.ts";
import { type Change, type Exchange, HeldObjects } from "./objects.ts";
import { addDifference, addReach, isIdle, type Reach } from "./reach.ts";
import { ReferenceIndex } from "./reference-index.ts";
import { existingOf, type Share, shareOf, sharesOf } from "./share.ts";
import { namespaceOf } from "./shelf.ts";

type Shares = ReadonlyMap<string, Share | undefined>;

/** What was worked out last, held so that what a change reaches can be worked out again. */
export class HeldResolution {
  readonly config: OperatorConfig;
  readonly objects: HeldObjects;
  readonly #shares: Map<string, Share>;
  readonly #compiled: CompiledIndex;
  readonly #entangled: EntangledSlices;
  readonly #inForce = new ReferenceIndex();
  readonly #mentioned = new ReferenceIndex();
  /** What the API has of those namespaces that were worked out again and are not written yet. */
  readonly #written = new Map<string, Share | undefined>();
  /** The address sets of prefix lists, by the list's name. */
  readonly #listSets = new Map<string, AddressSet>();
  /** Keys of groups that are to be deleted. */
  readonly #leaving = new Set<GroupKey>();
  /** Namespaces of which something else may have to be told since somebody asked last. */
  #news: Set<string>;

  constructor(resolution: Resolution) {
    const { snapshot, compiled, config } = resolution;
    this.config = config;
    this.objects = new HeldObjects(snapshot);
    this.#shares = new Map(sharesOf(resolution, this.objects.pods));
    this.#compiled = new CompiledIndex(compiled);
    this.#entangled = new EntangledSlices(snapshot.endpointSlices, this.objects.pods);
    const touched = nothingTouched();
    for (const [namespace, share] of this.#shares) {
      this.#compiled.exchange(namespace, undefined, share, touched);
      this.#inForce.exchange(namespace, undefined, share.inForce);
      this.#mentioned.exchange(namespace, undefined, share.mentioned);
    }
    for (const set of compiled.addressSets) {
      if (set.kind !== "prefixList") continue;
      this.#listSets.set(set.prefixList, set);
      this.#compiled.exchangeSet(set.name, set, touched);
    }
    for (const { key, deleting } of snapshot.groups) if (deleting) this.#leaving.add(key);
    this.#news = new Set(this.#shares.keys());
  }

  /** What each namespace has. */
  get shares(): ReadonlyMap<string, Share> {
    return this.#shares;
  }

  /** The NodePolicies and the NodeConfig as they should be, and the revisions of rule sets and ACLs. */
  get compiled(): Pick<CompiledIndex, "nodePolicies" | "config" | "revisions"> {
    return this.#compiled;
  }

  /** Namespaces of which something else may have to be told than when this was asked last. */
  takeNews(): ReadonlySet<string> {
    const news = this.#news;
    this.#news = new Set();
    return news;
  }

  /** The compiled objects of these names as they should be. */
  compiledOf(touched: Touched): CompiledObjects {
    return this.#compiled.named(touched);
  }

  /**
   * Takes changes up and works out again what they reach: all compiled objects are the same then as if everything had
   * been worked out. Adds the names of those that may have to be written. False where only working out everything can
   * tell: this must be thrown away then.
   */
  take(changes: readonly Change[], touched: Touched): boolean {
    if (this.#entangled.some()) return false;
    const reach = this.#takeUp(changes);
    if (this.#entangled.some()) return false;
    const before: Shares = new Map([...reach.namespaces].map((namespace) => [namespace, this.#shares.get(namespace)]));
    const turned = [...reach.namespaces].map((namespace) => this.#decide(namespace));
    const homes = turned.flatMap(({ groups }) => [...groups].flatMap((key) => this.#homesOf(key)));
    for (const namespace of new Set([...reach.namespaces, ...homes]))
      this.#exchangeSets(
        namespace,
        before.has(namespace) ? before.get(namespace) : this.#shares.get(namespace),
        touched,
      );
    const lists = turned.flatMap(({ prefixLists }) => [...prefixLists]);
    for (const name of new Set([...reach.prefixLists, ...lists])) this.#exchangeListSet(name, touched);
    this.#exchangeNodes(before, touched);
    if (reach.nodeConfig) this.#compiled.config = this.#nodeConfig();
    for (const namespace of reach.namespaces) this.#forgetEmpty(namespace);
    for (const namespace of [...reach.namespaces, ...reach.told]) this.#news.add(namespace);
    return true;
  }

  /** What was worked out is in the API now: last good policies (S-75) and slices follow from it. */
  written(): void {
    this.#written.clear();
  }

  /** What may hold the groups that are to be deleted and these prefix lists (S-19). */
  holdingSources(prefixLists: readonly PrefixListObject[]): HoldingSources {
    const { groups } = this.leaving();
    const referring = new Set([
      ...groups.flatMap(({ key }) => [...this.#mentioned.toGroup(key)]),
      ...prefixLists.flatMap(({ ref }) => [...this.#mentioned.toPrefixList(ref.name)]),
    ]);
    return {
      leaving: groups,
      prefixLists,
      trackingPolicies: this.objects.of("TrackingPolicy").within(""),
      homes: this.#sharesOf(groups.flatMap(({ key }) => this.#homesOf(key))),
      referrers: this.#sharesOf(referring),
    };
  }

  /** Groups and prefix lists that are to be deleted. */
  leaving(): { readonly groups: readonly GroupObject[]; readonly prefixLists: readonly PrefixListObject[] } {
    const groups = this.objects.of("SecurityGroup");
    return {
      groups: [...this.#leaving].map((key) => groups.get(key)).filter((group) => group !== undefined),
      prefixLists: [...this.objects.prefixLists.values()].filter(({ deleting }) => deleting),
    };
  }

  /** Exchanges the objects that changed; tells what that reaches. */
  #takeUp(changes: readonly Change[]): Reach {
    const reach: Reach = { namespaces: new Set(), prefixLists: new Set(), told: new Set(), nodeConfig: false };
    const around = {
      objects: this.objects,
      shares: this.#shares,
      mentioned: this.#mentioned,
      defaultGroup: this.config.defaultGroup,
    };
    const made: Exchange[] = [];
    for (const change of changes) {
      const idle = isIdle(this.objects.of(change.kind).get(change.key), change.after);
      if (!idle) addReach(reach, change, around);
      const exchange = this.objects.exchange(change);
      if (idle) continue;
      addReach(reach, change, around);
      made.push(exchange);
      if (exchange.kind === "EndpointSlice") this.#entangled.exchange(exchange.key, exchange.after);
      if (exchange.kind === "SecurityGroup") this.#noteLeaving(exchange.key as GroupKey, exchange.after);
    }
    for (const exchange of made) addDifference(reach, exchange, around);
    return reach;
  }

  #noteLeaving(key: GroupKey, group: GroupObject | undefined): void {
    if (group?.deleting === true) this.#leaving.add(key);
    else this.#leaving.delete(key);
  }

  /** Works out what filters the pods of a namespace; what is referred to now and was not, or the other way round. */
  #decide(namespace: string) {
    const before = this.#shares.get(namespace);
    if (!this.#written.has(namespace)) this.#written.set(namespace, before);
    const written = this.#written.get(namespace);
    const sources = {
      prefixLists: this.objects.prefixLists,
      book: this.objects.pods,
      before: (uid: string): EndpointPolicy | undefined => written?.endpoints.get(uid)?.policy,
    };
    const policies = resolvePolicies(this.#snapshotOf(namespace, written), sources, this.config);
    const share = { ...shareOf(policies), addressSets: before?.addressSets ?? [] };
    this.#shares.set(namespace, share);
    this.#mentioned.exchange(namespace, before?.mentioned, share.mentioned);
    return this.#inForce.exchange(namespace, before?.inForce, share.inForce);
  }

  /** Works out the address sets of a namespace that is decided, and takes what it has now for what it had. */
  #exchangeSets(namespace: string, before: Share | undefined, touched: Touched): void {
    const decided = this.#shares.get(namespace);
    if (decided === undefined) return;
    const { attachments, aclSets } = decided;
    const written = this.#written.has(namespace) ? this.#written.get(namespace) : before;
    const snapshot = this.#snapshotOf(namespace, written);
    const addressSets = podAddressSets(snapshot, attachments, aclSets, this.objects.pods, this.#inForce.groups);
    const share = { ...decided, addressSets };
    this.#shares.set(namespace, share);
    this.#compiled.exchange(namespace, before, share, touched);
  }

  #exchangeListSet(name: string, touched: Touched): void {
    const before = this.#listSets.get(name);
    const list = this.objects.prefixLists.get(name);
    const existing = new Map(before === undefined ? [] : [[before.name, before]]);
    const [after] = prefixListSets(list === undefined ? [] : [list], this.#inForce.prefixLists, existing);
    if (before !== undefined) this.#compiled.exchangeSet(before.name, undefined, touched);
    if (after !== undefined) this.#compiled.exchangeSet(after.name, after, touched);
    if (after === undefined) this.#listSets.delete(name);
    else this.#listSets.set(name, after);
  }

  #exchangeNodes(before: Shares, touched: Touched): void {
    const nodes = new Map<string, EndpointPolicy[]>();
    for (const [namespace, former] of before)
      for (const node of changedNodes(former?.endpoints, this.#shares.get(namespace)?.endpoints)) nodes.set(node, []);
    for (const namespace of before.keys())
      for (const { node, policy } of this.#shares.get(namespace)?.endpoints.values() ?? [])
        nodes.get(node)?.push(policy);
    const { nodePolicies } = this.#compiled;
    for (const [node, endpoints] of nodes) {
      const policy = exchangeEndpoints(node, nodePolicies.get(node), before, endpoints);
      if (policy === undefined) nodePolicies.delete(node);
      else nodePolicies.set(node, policy);
      touched.NodePolicy.add(node);
    }
  }

  #nodeConfig() {
    const trackingPolicies = this.objects.of("TrackingPolicy").within("");
    const existing = { config: this.#compiled.config };
    return resolveNodeConfig({ trackingPolicies, existing }, this.objects.prefixLists, this.config);
  }

  /** Namespaces where pods may have the group. */
  #homesOf(key: GroupKey): readonly string[] {
    return key === this.config.defaultGroup ? [...this.#shares.keys()] : [namespaceOf(key)];
  }

  #sharesOf(namespaces: Iterable<string>): readonly Share[] {
    return [...namespaces].map((namespace) => this.#shares.get(namespace)).filter((share) => share !== undefined);
  }

  /** The objects of a namespace, and the default group, which its pods may have too. */
  #snapshotOf(namespace: string, written: Share | undefined): Snapshot {
    const snapshot = this.objects.snapshotOf(namespace, existingOf(written));
    const { defaultGroup } = this.config;
    if (defaultGroup === null || namespaceOf(defaultGroup) === namespace) return snapshot;
    const fallback = this.objects.of("SecurityGroup").get(defaultGroup);
    return fallback === undefined ? snapshot : { ...snapshot, groups: [...snapshot.groups, fallback] };
  }

  #forgetEmpty(namespace: string): void {
    const { groups, acls, attachments } = this.#shares.get(namespace) ?? {};
    if (groups?.size === 0 && acls?.size === 0 && attachments?.size === 0) this.#shares.delete(namespace);
  }
}
