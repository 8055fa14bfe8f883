import { createHash } from "node:crypto";
import { hostCidr } from "../../../semantics/address.ts";
import type {
  AclRule,
  Address,
  AddressSet,
  Cidr,
  EndpointPolicy,
  GroupKey,
  NodeConfig,
  Rule,
  ServicePort,
} from "../../../semantics/policy.ts";
import type { PlacedEndpoint, World } from "../sequence.ts";

/** A Service that stands for its backends (S-9a). */
export interface ServiceDraft {
  readonly groups: readonly GroupKey[];
  readonly addresses: readonly Address[];
  readonly ports: readonly ServicePort[];
}

/** What a world is made from: as users would see it, so that it can be changed one thing at a time. */
export interface Draft {
  readonly ruleSets: Readonly<Record<string, readonly Rule[]>>;
  readonly acls: Readonly<Record<string, readonly AclRule[]>>;
  /** Groups that each address is a member of. */
  readonly groupsOf: Readonly<Record<Address, readonly GroupKey[]>>;
  readonly prefixLists: Readonly<Record<string, readonly Cidr[]>>;
  /** Pods of the namespace `default`. */
  readonly namespace: readonly Address[];
  readonly services: readonly ServiceDraft[];
  readonly config: Omit<NodeConfig, "revision">;
  readonly nodeAddresses: readonly Address[];
  readonly endpoints: readonly PlacedEndpoint[];
  readonly policies: readonly EndpointPolicy[];
}

/** Changes exactly when the content does. */
export function revisionOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 12);
}

/** An address is in one combination of groups only, so each combination is a set. */
function memberSets(groupsOf: Draft["groupsOf"]): AddressSet[] {
  const combinations = new Map<string, { groups: readonly GroupKey[]; cidrs: Cidr[] }>();
  for (const [member, groups] of Object.entries(groupsOf)) {
    if (groups.length === 0) continue;
    const key = groups.join(" ");
    const combination = combinations.get(key) ?? { groups, cidrs: [] };
    combination.cidrs.push(hostCidr(member as Address));
    combinations.set(key, combination);
  }
  return [...combinations].map(([name, { groups, cidrs }]) => ({ kind: "members", name, groups, cidrs }));
}

function addressSets({ groupsOf, prefixLists, namespace, services }: Draft): AddressSet[] {
  return [
    ...memberSets(groupsOf),
    ...Object.entries(prefixLists).map(
      ([prefixList, cidrs]): AddressSet => ({
        kind: "prefixList",
        name: `list ${prefixList}`,
        prefixList,
        cidrs,
      }),
    ),
    { kind: "namespace", name: "pods of default", namespace: "default", cidrs: namespace.map(hostCidr) },
    ...services.map((service, index): AddressSet => ({ kind: "service", name: `service ${index}`, ...service })),
  ];
}

/** The compiled objects that a draft stands for. */
export function worldOf(draft: Draft): World {
  const { ruleSets, acls, config, policies, nodeAddresses, endpoints } = draft;
  return {
    state: {
      config: { revision: revisionOf(config), ...config },
      ruleSets: Object.entries(ruleSets).map(([name, rules]) => ({
        name,
        revision: revisionOf(rules),
        groups: [],
        rules,
      })),
      acls: Object.entries(acls).map(([name, rules]) => ({
        name,
        revision: revisionOf(rules),
        namespace: "default",
        rules,
      })),
      addressSets: addressSets(draft),
      node: { node: "node", endpoints: policies },
    },
    node: { nodeAddresses },
    endpoints,
  };
}
