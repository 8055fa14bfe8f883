import type { CompiledObjects } from "../resolve/resolution.ts";
import { resolve } from "../resolve/resolve.ts";
import type { EndpointSliceFacts, ExistingObjects, PodFacts, Snapshot } from "../snapshot.ts";
import { entangles, type HeldResolution } from "./held.ts";
import { compiledOf, type Part, podsOf, serviceSetNames, snapshotOf } from "./part.ts";

/** Pods and EndpointSlices as they are now, by `namespace/name`; undefined: gone. */
export interface Changes {
  readonly pods: ReadonlyMap<string, PodFacts | undefined>;
  readonly slices: ReadonlyMap<string, EndpointSliceFacts | undefined>;
}

/** What changes make of a part of the compiled objects. */
export interface PartChange {
  readonly before: CompiledObjects;
  readonly after: CompiledObjects;
  /** To be called when `after` is written. */
  readonly commit: () => void;
}

/** A part must be so small that working it out is less than working out everything. */
const mostPods = 20_000;

/**
 * Works out what a change of pods and EndpointSlices makes of the compiled objects, from the part of the cluster that
 * it can reach: the same as a full resolution would, or undefined where only that can tell. `held` knows the changed
 * pods afterwards, so that after undefined it must be thrown away.
 */
export function resolveChange(held: HeldResolution, changes: Changes): PartChange | undefined {
  if (held.base.config.defaultGroup !== null || held.entangled) return undefined;
  const part = takeUp(held, changes);
  if (part === undefined) return undefined;
  const pods = podsOf(part, held.pods);
  const snapshot = held.snapshot();
  if (pods.length > mostPods || reachesFurther(held, snapshot, part, pods)) return undefined;
  const services = serviceSetNames(snapshot, part.namespaces);
  const before = held.compiledOf(part, services);
  const resolution = resolve(
    snapshotOf(snapshot, pods, existingOf(held, before)),
    held.base.config,
    held.base.references,
  );
  if ([...resolution.decisions.values()].some(({ refused }) => refused !== undefined)) return undefined;
  const after = compiledOf(resolution, part, services, uidsIn(pods, part));
  return { before, after, commit: () => held.exchange(resolution, part.namespaces, before, after) };
}

/** A part that grows while changes are taken up. */
interface GrowingPart {
  readonly namespaces: Set<string>;
  readonly nodes: Set<string>;
}

/** Puts the changed pods and slices in the place of the old ones, and tells what they reach. */
function takeUp(held: HeldResolution, { pods, slices }: Changes): Part | undefined {
  const part: GrowingPart = { namespaces: new Set(), nodes: new Set() };
  for (const [key, pod] of pods) if (!takeUpPod(held, part, key, pod)) return undefined;
  const touched = new Set<string>();
  for (const [key, slice] of slices) for (const uid of takeUpSlice(held, part, key, slice)) touched.add(uid);
  return addNodesOf(touched, held, part.namespaces, part.nodes) ? part : undefined;
}

/** False where another pod had the same address: that one has it alone now. */
function takeUpPod(held: HeldResolution, part: GrowingPart, key: string, pod: PodFacts | undefined): boolean {
  const before = held.pods.get(key);
  if (before !== undefined && held.pods.shares(before)) return false;
  held.pods.set(key, pod);
  for (const one of [before, pod]) {
    if (one === undefined) continue;
    part.namespaces.add(one.namespace);
    if (one.node !== undefined) part.nodes.add(one.node);
  }
  return true;
}

/** Uids of the pods whose tracked ports may change. */
function takeUpSlice(
  held: HeldResolution,
  part: GrowingPart,
  key: string,
  slice: EndpointSliceFacts | undefined,
): readonly string[] {
  const before = held.slices.get(key);
  if (slice === undefined) held.slices.delete(key);
  else held.slices.set(key, slice);
  for (const one of [before, slice]) if (one !== undefined) part.namespaces.add(one.namespace);
  return backendsThatChange(before, slice);
}

/** Adds the nodes of pods whose tracked ports may change. False if one of the pods is not in these namespaces. */
function addNodesOf(
  uids: ReadonlySet<string>,
  { pods }: HeldResolution,
  namespaces: ReadonlySet<string>,
  nodes: Set<string>,
): boolean {
  const found = new Set<string>();
  for (const namespace of namespaces)
    for (const { uid, node } of pods.inNamespace(namespace)) {
      if (!uids.has(uid)) continue;
      found.add(uid);
      if (node !== undefined) nodes.add(node);
    }
  return [...uids].every((uid) => found.has(uid) || pods.homeOf(uid) === undefined);
}

/** Uids whose tracked ports the slice may change: who came or went, or all when its ports are others. */
function backendsThatChange(
  before: EndpointSliceFacts | undefined,
  after: EndpointSliceFacts | undefined,
): readonly string[] {
  const uidsOf = (slice: EndpointSliceFacts | undefined) =>
    new Set((slice?.backends ?? []).flatMap(({ uid }) => (uid === undefined ? [] : [uid])));
  const [old, current] = [uidsOf(before), uidsOf(after)];
  const same = before?.service === after?.service && JSON.stringify(before?.ports) === JSON.stringify(after?.ports);
  return [...new Set([...old, ...current])].filter((uid) => !same || old.has(uid) !== current.has(uid));
}

/** Whether the part depends on pods that are not in it, or others on what is in it. */
function reachesFurther(held: HeldResolution, snapshot: Snapshot, part: Part, pods: readonly PodFacts[]): boolean {
  const { namespaces } = part;
  if (held.hasRefused(namespaces) || pods.some((pod) => held.pods.shares(pod))) return true;
  if (snapshot.groups.some(({ namespace, deleting }) => deleting && namespaces.has(namespace))) return true;
  return entangles(held.slices.values(), held.pods);
}

/** What the API has of the part, as it was last written. */
function existingOf(held: HeldResolution, before: CompiledObjects): ExistingObjects {
  const { existing } = held.base.snapshot;
  return {
    ruleSets: new Map(before.ruleSets.map((ruleSet) => [ruleSet.name, ruleSet])),
    acls: new Map(before.acls.map((acl) => [acl.name, acl])),
    addressSets: new Map(before.addressSets.map((set) => [set.name, set])),
    nodePolicies: new Map(before.nodePolicies.map((policy) => [policy.node, policy])),
    ...(existing.config === undefined ? {} : { config: held.base.compiled.config }),
  };
}

function uidsIn(pods: readonly PodFacts[], { namespaces }: Part): ReadonlySet<string> {
  return new Set(pods.filter(({ namespace }) => namespaces.has(namespace)).map(({ uid }) => uid));
}
