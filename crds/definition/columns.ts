import type { CompiledKind } from "../compiled.ts";
import type { UserObject } from "../kinds.ts";

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0: shown with `-o wide` alone. */
  readonly priority?: number;
}

const condition = (type: string, description: string): Column => ({
  name: type,
  type: "string",
  jsonPath: `.status.conditions[?(@.type=="${type}")].status`,
  description,
});

const field = (
  name: string,
  type: "string" | "integer",
  jsonPath: string,
  description: string,
  priority?: number,
): Column => ({ name, type, jsonPath, description, ...(priority === undefined ? {} : { priority }) });

const accepted = condition("Accepted", "Whether it is valid and within its quota.");
const resolved = condition("Resolved", "Whether all that it refers to exists.");
const programmed = condition("Programmed", "Whether it is in force everywhere.");
const attached = field("Attached", "integer", ".status.attached", "Pods to which it is attached.");
const inForce = field("In force", "integer", ".status.programmed", "Pods at whose endpoints it is in force.", 1);

const age: Column = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Since when it is there.",
};

/** Columns of each kind. */
export const columns: Readonly<Record<UserObject["kind"] | CompiledKind, readonly Column[]>> = {
  SecurityGroup: [
    attached,
    inForce,
    accepted,
    resolved,
    programmed,
    age,
    field("Description", "string", ".spec.description", "What the group is for.", 1),
  ],
  PrefixList: [
    field("Family", "string", ".spec.addressFamily", "Family of all entries."),
    field("Entries", "integer", ".status.entries", "Entries."),
    field("Max", "integer", ".spec.maxEntries", "Entries that it may hold, and as which it counts."),
    field("References", "integer", ".status.references", "Groups and tracking policies that refer to it."),
    field("Attached", "integer", ".status.attached", "Pods that have rules that refer to it.", 1),
    inForce,
    accepted,
    programmed,
    age,
  ],
  NetworkACL: [
    field("Inbound", "integer", ".status.rules.inbound", "Inbound rules."),
    field("Outbound", "integer", ".status.rules.outbound", "Outbound rules."),
    attached,
    inForce,
    accepted,
    programmed,
    age,
  ],
  AllowanceProfile: [
    field("Priority", "integer", ".spec.priority", "The highest applies."),
    field("Connections", "integer", ".spec.conntrack.max", "Most tracked connections of a pod."),
    field("Applied", "integer", ".status.applied", "Pods to which it applies."),
    inForce,
    accepted,
    programmed,
    age,
  ],
  TrackingPolicy: [
    field("Paths", "string", ".spec.paths[*].name", "The paths that are on."),
    field("Nodes", "integer", ".status.nodes", "Nodes with endpoints.", 1),
    field("In force", "integer", ".status.programmed", "Nodes on which it is in force.", 1),
    accepted,
    resolved,
    programmed,
    age,
  ],
  RuleSet: [
    field("Content", "string", ".spec.content", "Groups or ACL."),
    field("Groups", "string", ".spec.groups.groups", "The combination of groups."),
    field("Namespace", "string", ".spec.acl.namespace", "Namespace of the ACL."),
    field("Revision", "string", ".spec['groups','acl'].revision", "Changes exactly when the content does.", 1),
    age,
  ],
  AddressSet: [
    field("Of", "string", ".spec.kind", "Whose addresses these are."),
    field("Groups", "string", ".spec.groups", "Combination of referenced groups."),
    age,
  ],
  NodePolicy: [
    field("Observed", "integer", ".status.observedGeneration", "Generation that is in force."),
    field("Generation", "integer", ".metadata.generation", "Generation that is wanted."),
    field("Config", "string", ".status.config", "Revision of the NodeConfig that is in force.", 1),
    age,
  ],
  NodeConfig: [field("Revision", "string", ".spec.revision", "Changes exactly when the content does."), age],
};
