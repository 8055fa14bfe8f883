import type { z } from "zod";
import { type AllowanceProfile, allowanceProfile } from "./allowanceprofile.ts";
import { type EndpointSlice, endpointSlice } from "./core/endpointslice.ts";
import { type Namespace, namespace } from "./core/namespace.ts";
import { type Pod, pod } from "./core/pod.ts";
import { type Service, service } from "./core/service.ts";
import { type ServiceAccount, serviceAccount } from "./core/serviceaccount.ts";
import { type NetworkACL, networkACL } from "./networkacl.ts";
import { type PrefixList, prefixList } from "./prefixlist.ts";
import { type SecurityGroup, securityGroup } from "./securitygroup.ts";
import { type TrackingPolicy, trackingPolicy } from "./trackingpolicy.ts";
import { apiVersion } from "./version.ts";

export type {
  AllowanceProfile,
  EndpointSlice,
  Namespace,
  NetworkACL,
  Pod,
  PrefixList,
  SecurityGroup,
  Service,
  ServiceAccount,
  TrackingPolicy,
};

/** Kinds of the API group `sallyport.dev`, as parsed. */
export type UserObject = SecurityGroup | PrefixList | NetworkACL | AllowanceProfile | TrackingPolicy;

/** Core kinds that policy depends on, as parsed. */
type CoreObject = Namespace | ServiceAccount | Pod | Service | EndpointSlice;

/** Any object that can be read from a manifest, as parsed. */
export type KnownObject = UserObject | CoreObject;

/** What the API server is told about a kind, and how it is parsed. */
export interface Kind<T extends KnownObject = KnownObject> {
  readonly kind: T["kind"];
  readonly apiVersion: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** One of ours: unknown fields are errors. */
  readonly strict: boolean;
  readonly schema: z.ZodType<T>;
}

const core = { apiVersion: "v1", strict: false } as const;
const ours = { apiVersion, strict: true } as const;

/** All kinds by name. */
export const kinds = {
  SecurityGroup: {
    ...ours,
    kind: "SecurityGroup",
    plural: "securitygroups",
    singular: "securitygroup",
    shortNames: ["sg"],
    namespaced: true,
    schema: securityGroup as z.ZodType<SecurityGroup>,
  },
  PrefixList: {
    ...ours,
    kind: "PrefixList",
    plural: "prefixlists",
    singular: "prefixlist",
    shortNames: ["pl"],
    namespaced: false,
    schema: prefixList as z.ZodType<PrefixList>,
  },
  NetworkACL: {
    ...ours,
    kind: "NetworkACL",
    plural: "networkacls",
    singular: "networkacl",
    shortNames: ["nacl"],
    namespaced: true,
    schema: networkACL as z.ZodType<NetworkACL>,
  },
  AllowanceProfile: {
    ...ours,
    kind: "AllowanceProfile",
    plural: "allowanceprofiles",
    singular: "allowanceprofile",
    shortNames: ["ap"],
    namespaced: false,
    schema: allowanceProfile as z.ZodType<AllowanceProfile>,
  },
  TrackingPolicy: {
    ...ours,
    kind: "TrackingPolicy",
    plural: "trackingpolicies",
    singular: "trackingpolicy",
    shortNames: [],
    namespaced: false,
    schema: trackingPolicy as z.ZodType<TrackingPolicy>,
  },
  Namespace: {
    ...core,
    kind: "Namespace",
    plural: "namespaces",
    singular: "namespace",
    shortNames: ["ns"],
    namespaced: false,
    schema: namespace as z.ZodType<Namespace>,
  },
  ServiceAccount: {
    ...core,
    kind: "ServiceAccount",
    plural: "serviceaccounts",
    singular: "serviceaccount",
    shortNames: ["sa"],
    namespaced: true,
    schema: serviceAccount as z.ZodType<ServiceAccount>,
  },
  Pod: {
    ...core,
    kind: "Pod",
    plural: "pods",
    singular: "pod",
    shortNames: ["po"],
    namespaced: true,
    schema: pod as z.ZodType<Pod>,
  },
  Service: {
    ...core,
    kind: "Service",
    plural: "services",
    singular: "service",
    shortNames: ["svc"],
    namespaced: true,
    schema: service as z.ZodType<Service>,
  },
  EndpointSlice: {
    ...core,
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    plural: "endpointslices",
    singular: "endpointslice",
    shortNames: [],
    namespaced: true,
    schema: endpointSlice as z.ZodType<EndpointSlice>,
  },
} as const satisfies { readonly [Name in KnownObject["kind"]]: Kind<Extract<KnownObject, { kind: Name }>> };

/** Name of a kind. */
export type KindName = keyof typeof kinds;

/** The kind of this exact name. */
export function kindOf(name: string): Kind | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name as KindName] : undefined;
}

/** The kind that a person means on a command line: kind, plural, singular or short name, in any case. */
export function findKind(word: string): Kind | undefined {
  const lower = word.toLowerCase();
  return Object.values<Kind>(kinds).find((kind) =>
    [kind.kind.toLowerCase(), kind.plural, kind.singular, ...kind.shortNames].includes(lower),
  );
}
