import type { AclSet, AddressSet, NodeConfig, NodePolicy, RuleSet } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import type { PrefixListObject, Snapshot } from "../snapshot.ts";
import type { EndpointDecision } from "./endpoints.ts";
import type { JudgedAcl, JudgedGroup } from "./judgement.ts";
import type { Policies } from "./policies.ts";

/** The compiled objects of the whole cluster. */
export interface CompiledObjects {
  readonly ruleSets: readonly RuleSet[];
  readonly acls: readonly AclSet[];
  readonly addressSets: readonly AddressSet[];
  readonly nodePolicies: readonly NodePolicy[];
  readonly config: NodeConfig;
}

interface Values<T> {
  values(): Iterable<T>;
}

/** What metrics and events say of a whole cluster. */
export interface Overview {
  readonly snapshot: Pick<Snapshot, "groups" | "prefixLists" | "profiles" | "trackingPolicies" | "policies">;
  readonly groups: Values<JudgedGroup>;
  readonly acls: Values<JudgedAcl>;
  readonly decisions: Values<EndpointDecision>;
}

/** Everything that was worked out from a snapshot: the compiled objects, and what statuses are told from. */
export interface Resolution extends Policies {
  readonly snapshot: Snapshot;
  readonly config: OperatorConfig;
  readonly compiled: CompiledObjects;
  /** By name. */
  readonly prefixLists: ReadonlyMap<string, PrefixListObject>;
}
