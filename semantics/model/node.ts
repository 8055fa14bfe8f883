import type {
  AddressSet,
  Allowances,
  Cidr,
  CompiledState,
  EndpointPolicy,
  GroupKey,
  NodeFacts,
  RuleSet,
} from "../policy.ts";
import { Acl } from "./acl.ts";
import type { ExemptParties } from "./exemptions.ts";
import { PrefixSet } from "./prefixes.ts";
import { type PeerSets, Rules } from "./rules.ts";
import { Services } from "./services.ts";
import { TrackedRemotes, UntrackedFlows } from "./untracked.ts";

/** What filters one endpoint. */
export interface Filter {
  /** Why everything is dropped (S-75). */
  readonly closed?: string;
  /** Absent: no group selects the pod. `rules` and `untracked` are there together. */
  readonly group?: { readonly rules: Rules; readonly untracked: UntrackedFlows };
  /** Changes exactly when the compiled rules do (S-40a). */
  readonly rulesRevision?: string;
  /** Absent: its namespace has no network ACL (S-82). */
  readonly acl?: Acl;
  /** Absent: the operator says nothing of the pod. */
  readonly allowances?: Allowances;
}

/** A node's compiled objects, looked up once. */
export interface CompiledNode {
  readonly parties: ExemptParties;
  /** S-22: sources of unfiltered pods are checked too. */
  readonly checksAllSources: boolean;
  filterOf(uid: string): Filter;
}

/** Looks up all that endpoints' packets are judged by. */
export function compileNode({ config, ...state }: CompiledState, { nodeAddresses }: NodeFacts): CompiledNode {
  const sets = compilePeerSets(state.addressSets);
  const remotes = new TrackedRemotes(config.tracking);
  const ruleSets = new Map(state.ruleSets.map((set) => [set.name, { set, rules: new Rules(set, sets) }]));
  const acls = new Map(state.acls.map((acl) => [acl.name, new Acl(acl, sets)]));
  const group = ({ set, rules }: { set: RuleSet; rules: Rules }, { trackedPorts }: EndpointPolicy) => ({
    group: { rules, untracked: new UntrackedFlows(set.rules, trackedPorts, remotes) },
    rulesRevision: `${set.name} ${set.revision}`,
  });
  const filter = (policy: EndpointPolicy): Filter => {
    const ruleSet = ruleSets.get(policy.ruleSet ?? "");
    const acl = acls.get(policy.acl ?? "");
    const closed =
      policy.closed ?? missing("RuleSet", policy.ruleSet, ruleSet) ?? missing("network ACL", policy.acl, acl);
    if (closed !== undefined) return { closed, allowances: policy.allowances };
    return {
      allowances: policy.allowances,
      ...(ruleSet === undefined ? {} : group(ruleSet, policy)),
      ...(acl === undefined ? {} : { acl }),
    };
  };
  const filters = new Map(state.node.endpoints.map((policy) => [policy.pod.uid, filter(policy)]));
  return {
    parties: { node: new Set(nodeAddresses), dns: new Set(config.dnsAddresses) },
    checksAllSources: config.antiSpoofing === "All",
    filterOf: (uid) => filters.get(uid) ?? {},
  };
}

/** An object that a policy names and that is not there: nobody knows what it would permit. */
function missing(kind: string, name: string | undefined, found: unknown): string | undefined {
  return name !== undefined && found === undefined ? `${kind} ${name} is not here yet` : undefined;
}

const nobody = new PrefixSet([]);

function compilePeerSets(addressSets: readonly AddressSet[]): PeerSets {
  const groups = new Map<GroupKey, Cidr[]>();
  const prefixLists = new Map<string, Cidr[]>();
  const namespaces = new Map<string, Cidr[]>();
  for (const set of addressSets) {
    switch (set.kind) {
      case "members":
        for (const group of set.groups) append(groups, group, set.cidrs);
        break;
      case "prefixList":
        append(prefixLists, set.prefixList, set.cidrs);
        break;
      case "namespace":
        append(namespaces, set.namespace, set.cidrs);
        break;
      case "service":
        break;
    }
  }
  const [byGroup, byList, byNamespace] = [united(groups), united(prefixLists), united(namespaces)];
  return {
    group: (key) => byGroup.get(key) ?? nobody,
    prefixList: (name) => byList.get(name) ?? nobody,
    namespace: (name) => byNamespace.get(name) ?? nobody,
    cidr: (cidr) => new PrefixSet([cidr]),
    services: new Services(addressSets),
  };
}

/** Slices of one set add up. */
function append<Key>(sets: Map<Key, Cidr[]>, key: Key, cidrs: readonly Cidr[]): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, [...cidrs]);
  else for (const cidr of cidrs) known.push(cidr);
}

function united<Key>(sets: ReadonlyMap<Key, readonly Cidr[]>): ReadonlyMap<Key, PrefixSet> {
  return new Map([...sets].map(([key, cidrs]) => [key, new PrefixSet(cidrs)]));
}
