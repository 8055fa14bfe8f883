import type { AclSet, AddressSet, NodeConfig, NodePolicy, RuleSet } from "../semantics/policy.ts";

/** API version of the objects that the operator alone writes; all are cluster-scoped. */
export const compiledApiVersion = "node.sallyport.dev/v1alpha1";

interface CompiledObject<Kind extends string, Spec> {
  readonly apiVersion: typeof compiledApiVersion;
  readonly kind: Kind;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: Spec;
}

/** What a RuleSet object holds: the rules of a combination of groups, or of one network ACL. */
export type RuleSetSpec =
  | { readonly content: "groups"; readonly groups: RuleSet }
  | { readonly content: "acl"; readonly acl: AclSet };

/** Rules of one combination of groups or of one network ACL, named by it. */
type RuleSetObject = CompiledObject<"RuleSet", RuleSetSpec>;

/** One slice of the addresses that rules refer to. */
type AddressSetObject = CompiledObject<"AddressSet", AddressSet>;

/** The endpoints of one node, named like it. */
type NodePolicyObject = CompiledObject<"NodePolicy", NodePolicy>;

/** The agent's report: status of a NodePolicy. */
export interface NodePolicyStatus {
  /** Generation of the NodePolicy that is in force. */
  readonly observedGeneration: number;
  /** Revision of the NodeConfig that is in force. */
  readonly config: string;
  /** Revisions in force of the rule sets and ACLs that the node uses, by name. */
  readonly revisions: Readonly<Record<string, string>>;
  readonly endpoints: readonly {
    readonly uid: string;
    readonly state: "Programmed" | "NotProgrammed";
    /** Why not, in words. */
    readonly message?: string;
  }[];
}

/** What holds on every node; the one object is named `default`. */
type NodeConfigObject = CompiledObject<"NodeConfig", NodeConfig>;

/** Any compiled object. */
type AnyCompiledObject = RuleSetObject | AddressSetObject | NodePolicyObject | NodeConfigObject;

/** Kinds of the compiled objects. */
export type CompiledKind = AnyCompiledObject["kind"];

/** Plural names of the compiled kinds, as in the path of a request. */
export const compiledPlurals = {
  RuleSet: "rulesets",
  AddressSet: "addresssets",
  NodePolicy: "nodepolicies",
  NodeConfig: "nodeconfigs",
} as const satisfies Record<CompiledKind, string>;
