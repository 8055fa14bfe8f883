import { type CompiledKind, compiledApiVersion } from "../crds/compiled.ts";
import { type KindName, kinds as knownKinds } from "../crds/kinds.ts";
import { securityGroupPolicyVersion } from "./eks/security-group-policy.ts";

/** Kinds that the operator reads or writes. */
export type Kind = KindName | CompiledKind | "SecurityGroupPolicy";

/** Kinds that users write. */
export type UserKind = "SecurityGroup" | "PrefixList" | "NetworkACL" | "AllowanceProfile" | "TrackingPolicy";

/** What an API server must know of a kind. */
export interface KindFacts {
  readonly apiVersion: string;
  readonly namespaced: boolean;
  readonly statusSubresource: boolean;
}

const compiled = { apiVersion: compiledApiVersion, namespaced: false, statusSubresource: false } as const;
const withStatus = { statusSubresource: true } as const;
const withoutStatus = { statusSubresource: false } as const;

/** All kinds by name. */
export const kinds: Readonly<Record<Kind, KindFacts>> = {
  SecurityGroup: { ...knownKinds.SecurityGroup, ...withStatus },
  PrefixList: { ...knownKinds.PrefixList, ...withStatus },
  NetworkACL: { ...knownKinds.NetworkACL, ...withStatus },
  AllowanceProfile: { ...knownKinds.AllowanceProfile, ...withStatus },
  TrackingPolicy: { ...knownKinds.TrackingPolicy, ...withStatus },
  RuleSet: compiled,
  AddressSet: compiled,
  NodePolicy: { ...compiled, ...withStatus },
  NodeConfig: compiled,
  Namespace: { ...knownKinds.Namespace, ...withStatus },
  Pod: { ...knownKinds.Pod, ...withStatus },
  ServiceAccount: { ...knownKinds.ServiceAccount, ...withoutStatus },
  Service: { ...knownKinds.Service, ...withStatus },
  EndpointSlice: { ...knownKinds.EndpointSlice, ...withoutStatus },
  SecurityGroupPolicy: { apiVersion: securityGroupPolicyVersion, namespaced: true, ...withoutStatus },
};

/** What names one object. The namespace is absent for cluster-scoped kinds. */
export interface ObjectRef {
  readonly kind: Kind;
  readonly name: string;
  readonly namespace?: string;
}

/** The part of metadata that is used here. Timestamps are RFC 3339 in UTC. */
interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  /** The rest is kept by the API server. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** Counts changes of anything but metadata and status. */
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

/** Any object of the API; kinds without `spec` (EndpointSlice) have fields of their own beside `metadata`. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** An object as the API server keeps it. */
export interface StoredObject extends ApiObject {
  readonly metadata: ObjectMeta & {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation: number;
    readonly creationTimestamp: string;
  };
}

/** A change of one object; `deleted` carries its last state. */
export interface WatchEvent {
  readonly type: "added" | "modified" | "deleted";
  readonly object: StoredObject;
}

export interface ObjectList {
  readonly items: readonly StoredObject[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

/**
 * Why the API refused: `Conflict`, the object has changed or is another by now; `Expired`, the resourceVersion is
 * too old to watch from, list again; `Invalid`, the object is no object of its kind.
 */
export type ApiErrorCode = "NotFound" | "Conflict" | "Expired" | "Invalid";

/** A refusal of the API. The message names object, field, value and remedy. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The API server as the operator needs it. Every promise may reject with an `ApiError`. */
export interface ApiPort {
  get(ref: ObjectRef): Promise<StoredObject | undefined>;
  list(kind: Kind): Promise<ObjectList>;
  /**
   * Creates the object, or replaces labels, annotations and content of the one that is there; finalizers and, where
   * the kind has a status subresource, the status stay. What is the same already is not written. `Conflict` if
   * `metadata.resourceVersion` or `metadata.uid` is given and no longer true.
   */
  apply(object: ApiObject): Promise<StoredObject>;
  /** Writes the status alone; the generation stays. */
  applyStatus(ref: ObjectRef, status: unknown): Promise<StoredObject>;
  /**
   * Puts one finalizer on an object or takes it off. An object that is being deleted goes with its last one; the
   * result is then undefined.
   */
  finalize(ref: ObjectRef, finalizer: string, present: boolean): Promise<StoredObject | undefined>;
  /**
   * Deletes, or marks as being deleted while finalizers hold it. `NotFound` if there is none; `Conflict` if `uid` is
   * given and the object of this name is another by now.
   */
  delete(ref: ObjectRef, uid?: string): Promise<void>;
}

/**
 * The object's ref, if its kind and version are known and its namespace is there exactly where the kind has one; else
 * an `ApiError`.
 */
export function checkedRef(object: ApiObject): ObjectRef {
  const ref = refOf(object);
  const known = kinds[object.kind];
  if (known === undefined || known.apiVersion !== object.apiVersion)
    throw new ApiError("Invalid", `${describeRef(ref)}: apiVersion ${object.apiVersion} has no such kind; check both`);
  if (known.namespaced === (ref.namespace === undefined))
    throw new ApiError(
      "Invalid",
      `${describeRef(ref)}: metadata.namespace ${known.namespaced ? "is missing; give one" : "is not for this kind; remove it"}`,
    );
  return ref;
}

/** Wall clock. */
export interface Clock {
  /** RFC 3339 in UTC with whole seconds, as metav1.Time. */
  now(): string;
}

/** `Kind namespace/name`, for messages and as a key. */
export function describeRef({ kind, name, namespace }: ObjectRef): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** The ref of an object. */
export function refOf({ kind, metadata }: ApiObject): ObjectRef {
  return metadata.namespace === undefined
    ? { kind, name: metadata.name }
    : { kind, name: metadata.name, namespace: metadata.namespace };
}
