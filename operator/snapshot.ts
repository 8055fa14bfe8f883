import type { AllowanceProfile } from "../crds/allowanceprofile.ts";
import type { NodePolicyStatus } from "../crds/compiled.ts";
import type { NetworkACL } from "../crds/networkacl.ts";
import type { PrefixList } from "../crds/prefixlist.ts";
import type { SecurityGroup } from "../crds/securitygroup.ts";
import type { Selector } from "../crds/selector.ts";
import type { TrackingPolicy } from "../crds/trackingpolicy.ts";
import type { AclSet, Address, AddressSet, GroupKey, NodeConfig, NodePolicy, RuleSet } from "../semantics/policy.ts";
import type { ObjectRef } from "./ports.ts";

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** One user object: what it says, and what the API server says about it. */
export interface UserObject<Spec> {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly generation: number;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Deletion was asked for; the finalizer holds it (S-19). */
  readonly deleting: boolean;
  /** The annotation that releases it all the same (S-19). */
  readonly forced: boolean;
  /** Our finalizer is on it. */
  readonly finalized: boolean;
  /** As it stands now. */
  readonly status: unknown;
  /** Absent: the schema refuses the object. */
  readonly spec?: Spec;
  /** What the schema refuses, with remedies; empty if nothing. */
  readonly problems: readonly string[];
}

/** Whom a group is attached to; known also of a group whose rules are invalid. */
export interface GroupSelectors {
  readonly podSelector?: Selector | undefined;
  readonly serviceAccountSelector?: Selector | undefined;
}

export interface GroupObject extends UserObject<SecurityGroup["spec"]> {
  readonly key: GroupKey;
  /** The id of EC2 that it stands for, by which SecurityGroupPolicies name it. */
  readonly ec2Id?: string;
  readonly namespace: string;
  readonly selectors: GroupSelectors;
}

/** An EKS SecurityGroupPolicy: it attaches groups of its own namespace (section 7). */
export interface PolicyFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly selectors: GroupSelectors;
  readonly groupIds: readonly string[];
}

export type PrefixListObject = UserObject<PrefixList["spec"]>;
export type ProfileObject = UserObject<AllowanceProfile["spec"]>;
export type TrackingObject = UserObject<TrackingPolicy["spec"]>;

export interface AclObject extends UserObject<NetworkACL["spec"]> {
  readonly namespace: string;
}

/** A port of a pod: one that a container declares, or a target port of an EndpointSlice. The name may be empty. */
export interface ContainerPort {
  readonly name: string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly port: number;
}

/** What is known of a pod. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  /** Absent until it is scheduled. */
  readonly node?: string;
  readonly hostNetwork: boolean;
  /** Succeeded or Failed: its addresses are released. */
  readonly finished: boolean;
  /** Its network namespace is gone for good. */
  readonly sandboxGone: boolean;
  readonly addresses: readonly Address[];
  /** RFC 3339. */
  readonly createdAt: string;
  readonly ports: readonly ContainerPort[];
}

export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Labels;
}

export interface ServiceAccountFacts {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
}

export interface ServicePortFacts {
  /** Empty where it has none; EndpointSlices repeat it. */
  readonly name: string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly port: number;
  /** Number or name of a container port. */
  readonly targetPort: number | string;
}

export interface ServiceFacts {
  readonly namespace: string;
  readonly name: string;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly labels: Labels;
  /** Absent: its EndpointSlices are written by somebody else. */
  readonly selector?: Labels;
  /** Cluster addresses; a headless Service has none. */
  readonly addresses: readonly Address[];
  readonly ports: readonly ServicePortFacts[];
}

export interface EndpointSliceFacts {
  readonly namespace: string;
  readonly name: string;
  /** Name of the Service. */
  readonly service: string;
  readonly ports: readonly ContainerPort[];
  readonly backends: readonly { readonly uid?: string; readonly addresses: readonly string[] }[];
}

/** Compiled objects as the API server has them: last good policies (S-75) and slices that stay stable come from here. */
export interface ExistingObjects {
  readonly ruleSets: ReadonlyMap<string, RuleSet>;
  readonly acls: ReadonlyMap<string, AclSet>;
  readonly addressSets: ReadonlyMap<string, AddressSet>;
  readonly nodePolicies: ReadonlyMap<string, NodePolicy>;
  readonly config?: NodeConfig;
}

/** What an agent says about its node. */
export interface NodeReport extends NodePolicyStatus {
  /** It is about the NodePolicy as it is, not about an older one. */
  readonly current: boolean;
}

/** Everything that a decision depends on, at one moment. */
export interface Snapshot {
  readonly groups: readonly GroupObject[];
  readonly prefixLists: readonly PrefixListObject[];
  readonly acls: readonly AclObject[];
  readonly profiles: readonly ProfileObject[];
  readonly trackingPolicies: readonly TrackingObject[];
  readonly pods: readonly PodFacts[];
  readonly namespaces: readonly NamespaceFacts[];
  readonly serviceAccounts: readonly ServiceAccountFacts[];
  readonly services: readonly ServiceFacts[];
  readonly endpointSlices: readonly EndpointSliceFacts[];
  readonly policies: readonly PolicyFacts[];
  readonly existing: ExistingObjects;
  /** By node. */
  readonly reports: ReadonlyMap<string, NodeReport>;
}
