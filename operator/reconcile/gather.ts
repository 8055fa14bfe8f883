import type { ApiPort, Kind, StoredObject } from "../ports.ts";
import { kinds } from "../ports.ts";
import type { Snapshot } from "../snapshot.ts";
import { fromApiObjects, reportsOf } from "./compiled-objects.ts";
import { endpointSliceFacts, namespaceFacts, podFacts, serviceAccountFacts, serviceFacts } from "./gather-core.ts";
import { aclObject, groupObject, parseCore, userObject } from "./gather-user.ts";

/** All objects of every kind that decisions depend on. */
export type Objects = Readonly<Record<Kind, readonly StoredObject[]>>;

/** Reads everything from the API. */
export async function readObjects(api: ApiPort): Promise<Objects> {
  const names = Object.keys(kinds) as Kind[];
  const lists = await Promise.all(names.map((kind) => api.list(kind)));
  return Object.fromEntries(names.map((kind, index) => [kind, lists[index]?.items ?? []])) as unknown as Objects;
}

const isThere = <T>(value: T | undefined): value is T => value !== undefined;

/** Parses objects into a snapshot. Core objects that can't be understood are left out. */
export function toSnapshot(objects: Objects): Snapshot {
  return {
    groups: objects.SecurityGroup.map(groupObject),
    prefixLists: objects.PrefixList.map((stored) => userObject("PrefixList", stored)),
    acls: objects.NetworkACL.map(aclObject),
    profiles: objects.AllowanceProfile.map((stored) => userObject("AllowanceProfile", stored)),
    trackingPolicies: objects.TrackingPolicy.map((stored) => userObject("TrackingPolicy", stored)),
    pods: objects.Pod.map((stored) => parseCore("Pod", stored))
      .filter(isThere)
      .map(podFacts),
    namespaces: objects.Namespace.map((stored) => parseCore("Namespace", stored))
      .filter(isThere)
      .map(namespaceFacts),
    serviceAccounts: objects.ServiceAccount.map((stored) => parseCore("ServiceAccount", stored))
      .filter(isThere)
      .map(serviceAccountFacts),
    services: objects.Service.map((stored) => parseCore("Service", stored))
      .filter(isThere)
      .map(serviceFacts),
    endpointSlices: objects.EndpointSlice.map((stored) => parseCore("EndpointSlice", stored))
      .filter(isThere)
      .map(endpointSliceFacts),
    existing: fromApiObjects(objects),
    reports: reportsOf(objects.NodePolicy),
  };
}
