import type { GroupKey } from "../../semantics/policy.ts";
import { orderProfiles, profileOf } from "../resolve/allowances.ts";
import { isTracked } from "../resolve/tracking.ts";
import { same } from "../same.ts";
import type { PodFacts, PrefixListObject, ProfileObject, ServiceFacts, TrackingObject } from "../snapshot.ts";
import type { Change, Exchange, HeldObjects } from "./objects.ts";
import type { ReferenceIndex } from "./reference-index.ts";
import type { Share } from "./share.ts";
import { namespaceOf } from "./shelf.ts";

/** What changes reach at first hand. */
export interface Reach {
  /** Namespaces to be worked out again. */
  readonly namespaces: Set<string>;
  /** Prefix lists whose address sets may be others. */
  readonly prefixLists: Set<string>;
  /** Namespaces of which something else may have to be told. */
  readonly told: Set<string>;
  nodeConfig: boolean;
}

/** What must be known to tell how far a change reaches. */
export interface Surroundings {
  readonly objects: HeldObjects;
  readonly shares: ReadonlyMap<string, Share>;
  readonly mentioned: ReferenceIndex;
  readonly defaultGroup: string | null;
}

/** What a decision depends on: statuses and our own finalizer are no part of it. */
function decisive<T>(object: T | undefined): unknown {
  if (typeof object !== "object" || object === null || !("status" in object)) return object;
  return { ...object, status: undefined, finalized: undefined };
}

/** Whether a change of an object leaves everything as it is. */
export function isIdle(before: unknown, after: unknown): boolean {
  return before === after || same(decisive(before), decisive(after));
}

/** Adds what depends on the object as it stands in the held objects: to be called before it is exchanged and after. */
export function addReach(reach: Reach, { kind, key }: Change, around: Surroundings): void {
  switch (kind) {
    case "Pod":
      addPodReach(reach, around.objects.of("Pod").get(key), around);
      reach.namespaces.add(namespaceOf(key));
      break;
    case "SecurityGroup":
      if (key === around.defaultGroup) addAll(reach.namespaces, around.shares.keys());
      reach.namespaces.add(namespaceOf(key));
      break;
    case "NetworkACL":
    case "ServiceAccount":
    case "Service":
    case "EndpointSlice":
    case "SecurityGroupPolicy":
      reach.namespaces.add(namespaceOf(key));
      break;
    case "Namespace":
      reach.namespaces.add(key);
      break;
    case "PrefixList":
      reach.prefixLists.add(key);
      reach.nodeConfig = true;
      break;
    case "TrackingPolicy":
      reach.nodeConfig = true;
      break;
    case "AllowanceProfile":
      break;
  }
}

/** Adds what a change reaches by the difference that it makes; to be called when all objects are exchanged. */
export function addDifference(reach: Reach, { kind, key, before, after }: Exchange, around: Surroundings): void {
  const { mentioned, objects } = around;
  switch (kind) {
    case "SecurityGroup":
      // Rules that refer to it become stale, or are so no longer.
      if ((before === undefined) !== (after === undefined)) addAll(reach.told, mentioned.toGroup(key as GroupKey));
      break;
    case "PrefixList":
      addAll(weightOf(before) === weightOf(after) ? reach.told : reach.namespaces, mentioned.toPrefixList(key));
      break;
    case "TrackingPolicy":
      if (key === "default") addAll(reach.namespaces, namespacesTrackedOtherwise(before, after, objects));
      break;
    case "AllowanceProfile":
      addAll(reach.namespaces, namespacesOfProfile([before, after], around));
      break;
    default:
      break;
  }
}

function addAll<T>(set: Set<T>, more: Iterable<T>): void {
  for (const one of more) set.add(one);
}

/** An address that the pod claims may be another pod's now. */
function addPodReach(reach: Reach, pod: PodFacts | undefined, { objects }: Surroundings): void {
  if (pod !== undefined)
    addAll(
      reach.namespaces,
      objects.pods.sharers(pod).map(({ namespace }) => namespace),
    );
}

/** What a rule with this list counts in each family (S-16). */
function weightOf(list: PrefixListObject | undefined): string {
  return list?.spec === undefined ? "1" : `${list.spec.addressFamily} ${list.spec.maxEntries}`;
}

/** Namespaces with Services whose backends' connections are tracked now and were not, or the other way round. */
function namespacesTrackedOtherwise(
  before: TrackingObject | undefined,
  after: TrackingObject | undefined,
  objects: HeldObjects,
): readonly string[] {
  const tracks = (policy: TrackingObject | undefined, service: ServiceFacts): boolean =>
    policy !== undefined && isTracked(service, policy);
  const services = objects.of("Service");
  return [...services.namespaces()].filter((namespace) =>
    services.within(namespace).some((service) => tracks(before, service) !== tracks(after, service)),
  );
}

/** Namespaces with endpoints to which one of these profiles applies, or did. */
function namespacesOfProfile(
  changed: readonly (ProfileObject | undefined)[],
  { objects, shares }: Surroundings,
): readonly string[] {
  const uids = new Set(changed.flatMap((profile) => profile?.uid ?? []));
  const ordered = orderProfiles(objects.of("AllowanceProfile").within(""));
  const applies = (namespace: string, { attachments, profiles }: Share): boolean => {
    const { labels = {} } = objects.of("Namespace").get(namespace) ?? {};
    for (const { pod } of attachments.values())
      if ([profiles.get(pod.uid), profileOf(pod, labels, ordered)].some((profile) => uids.has(profile?.uid ?? "")))
        return true;
    return false;
  };
  return [...shares].filter(([namespace, share]) => applies(namespace, share)).map(([namespace]) => namespace);
}
