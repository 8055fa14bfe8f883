import type { KnownObject } from "../../crds/kinds.ts";
import type { ApiPort, Kind, StoredObject } from "../ports.ts";
import { kinds } from "../ports.ts";
import type { Snapshot } from "../snapshot.ts";
import { fromApiObjects, reportsOf } from "./compiled-objects.ts";
import { endpointSliceFacts, namespaceFacts, podFacts, serviceAccountFacts, serviceFacts } from "./gather-core.ts";
import { policyFacts } from "./gather-eks.ts";
import { aclObject, groupObject, parseCore, userObject } from "./gather-user.ts";

/** All objects of every kind that decisions depend on. */
export type Objects = Readonly<Record<Kind, readonly StoredObject[]>>;

/** Reads everything from the API. */
export async function readObjects(api: Pick<ApiPort, "list">): Promise<Objects> {
  const names = Object.keys(kinds) as Kind[];
  const lists = await Promise.all(names.map((kind) => api.list(kind)));
  return Object.fromEntries(names.map((kind, index) => [kind, lists[index]?.items ?? []])) as unknown as Objects;
}

/**
 * What an object says, worked out once for each object: objects are never changed, and parsing all of a cluster's pods
 * takes seconds. Undefined for one that can't be understood.
 */
function memoised<Facts>(read: (stored: StoredObject) => Facts): (stored: StoredObject) => Facts {
  const known = new WeakMap<StoredObject, { readonly facts: Facts }>();
  return (stored) => {
    const found = known.get(stored) ?? { facts: read(stored) };
    known.set(stored, found);
    return found.facts;
  };
}

const core = <K extends KnownObject["kind"], Facts>(
  kind: K,
  read: (object: Extract<KnownObject, { kind: K }>) => Facts,
) =>
  memoised((stored): Facts | undefined => {
    const object = parseCore(kind, stored);
    return object === undefined ? undefined : read(object);
  });

/** What one object of a kind says; each object is parsed once. */
export const factsOf = {
  SecurityGroup: memoised(groupObject),
  PrefixList: memoised((stored) => userObject("PrefixList", stored)),
  NetworkACL: memoised(aclObject),
  AllowanceProfile: memoised((stored) => userObject("AllowanceProfile", stored)),
  TrackingPolicy: memoised((stored) => userObject("TrackingPolicy", stored)),
  Pod: core("Pod", podFacts),
  Namespace: core("Namespace", namespaceFacts),
  ServiceAccount: core("ServiceAccount", serviceAccountFacts),
  Service: core("Service", serviceFacts),
  EndpointSlice: core("EndpointSlice", endpointSliceFacts),
  SecurityGroupPolicy: memoised(policyFacts),
};

/** What is understood of many objects. */
function understood<Facts>(
  objects: readonly StoredObject[],
  read: (stored: StoredObject) => Facts | undefined,
): readonly Facts[] {
  return objects.map(read).filter((facts) => facts !== undefined);
}

/** Parses objects into a snapshot. Core objects that can't be understood are left out. */
export function toSnapshot(objects: Objects): Snapshot {
  return {
    groups: objects.SecurityGroup.map(factsOf.SecurityGroup),
    prefixLists: objects.PrefixList.map(factsOf.PrefixList),
    acls: objects.NetworkACL.map(factsOf.NetworkACL),
    profiles: objects.AllowanceProfile.map(factsOf.AllowanceProfile),
    trackingPolicies: objects.TrackingPolicy.map(factsOf.TrackingPolicy),
    pods: understood(objects.Pod, factsOf.Pod),
    namespaces: understood(objects.Namespace, factsOf.Namespace),
    serviceAccounts: understood(objects.ServiceAccount, factsOf.ServiceAccount),
    services: understood(objects.Service, factsOf.Service),
    endpointSlices: understood(objects.EndpointSlice, factsOf.EndpointSlice),
    policies: understood(objects.SecurityGroupPolicy, factsOf.SecurityGroupPolicy),
    existing: fromApiObjects(objects),
    reports: reportsOf(objects.NodePolicy),
  };
}
