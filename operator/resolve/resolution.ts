import type { AclSet, AddressSet, NodeConfig, NodePolicy, RuleSet } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import type { PrefixListObject, ProfileObject, Snapshot } from "../snapshot.ts";
import type { Attachment } from "./attachment.ts";
import type { EndpointDecision } from "./endpoints.ts";
import type { JudgedAcl, JudgedGroup } from "./judgement.ts";
import type { References } from "./rule-sets.ts";

/** The compiled objects of the whole cluster. */
export interface CompiledObjects {
  readonly ruleSets: readonly RuleSet[];
  readonly acls: readonly AclSet[];
  readonly addressSets: readonly AddressSet[];
  readonly nodePolicies: readonly NodePolicy[];
  readonly config: NodeConfig;
}

/** Everything that was worked out from a snapshot: the compiled objects, and what statuses are told from. */
export interface Resolution {
  readonly snapshot: Snapshot;
  readonly config: OperatorConfig;
  readonly compiled: CompiledObjects;
  /** By group key. */
  readonly groups: ReadonlyMap<string, JudgedGroup>;
  /** By uid. */
  readonly acls: ReadonlyMap<string, JudgedAcl>;
  /** By name. */
  readonly prefixLists: ReadonlyMap<string, PrefixListObject>;
  /** By pod uid; also of pods that wait for a node. */
  readonly attachments: ReadonlyMap<string, Attachment>;
  /** By pod uid; of endpoints alone. */
  readonly decisions: ReadonlyMap<string, EndpointDecision>;
  /** What the rules that are or may be in force refer to. */
  readonly references: References;
  /** The profile of each endpoint that has one, by pod uid. */
  readonly profiles: ReadonlyMap<string, ProfileObject>;
}
