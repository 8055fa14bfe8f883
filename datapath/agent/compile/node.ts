import type { AclSet, CompiledState, EndpointPolicy, RuleSet, TrackedPort } from "../../../semantics/policy.ts";
import { constants } from "../abi.generated.ts";
import { checkAddresses } from "../apply/endpoints.ts";
import type { EndpointAttachment } from "../control.ts";
import { compileIdentities, type Identities } from "./identities.ts";
import { type Combinations, compileAcl, compileRuleSet, type PolicyImage } from "./policy.ts";
import type { PrefixEntry } from "./prefixes.ts";
import { hasRates } from "./rates.ts";
import { indexPrefixLists, type PrefixLists } from "./rules.ts";
import { PolicySources } from "./sources.ts";
import { compileTrackedRemotes } from "./tracked-remotes.ts";

/** What one endpoint is to enforce. */
export interface EndpointPlan {
  readonly attachment: EndpointAttachment;
  /** Absent: the operator says nothing of this pod, so nothing selects it. */
  readonly policy?: EndpointPolicy;
  /** Keys of `NodePlan.policies`. */
  readonly rules?: string;
  readonly acl?: string;
  /** `policy_flag` bits, but for adoption. */
  readonly flags: number;
  /** Why the endpoint is closed. */
  readonly closed?: string;
  /** Changes when the endpoint's compiled rules do: ends adoption (S-40a). */
  readonly rulesRevision?: string;
}

/** A policy of a plan. */
interface PlannedPolicy {
  /** Digest of what it is compiled from. */
  readonly source: string;
  /** Absent: what is in force under its key has the same source. */
  readonly image?: PolicyImage;
}

/** Everything that the datapath of a node is to hold. */
export interface NodePlan {
  readonly policies: ReadonlyMap<string, PlannedPolicy>;
  /** RuleSet name → keys of its policies. */
  readonly policiesOfRuleSet: ReadonlyMap<string, readonly string[]>;
  readonly identities: Identities;
  readonly trackedRemotes: readonly PrefixEntry[];
  readonly endpoints: readonly EndpointPlan[];
}

function portsKey(ports: readonly TrackedPort[]): string {
  return ports
    .map(({ protocol, port }) => `${protocol}/${port}`)
    .sort()
    .join();
}

/** What the datapath of a node holds of an earlier plan, or of a former agent's. */
export interface InForce {
  /** As `known` of `compileIdentities`. */
  readonly numbers: ReadonlyMap<string, number>;
  /** What addresses bear until the endpoints have changed over; policies know them, too. */
  readonly combinations: Combinations;
  /** Sources of the policies in force, by key. */
  readonly sources: ReadonlyMap<string, string>;
}

const nothing: InForce = { numbers: new Map(), combinations: new Map(), sources: new Map() };

/** What all endpoints of a node are planned from. */
interface Sources {
  readonly ruleSets: ReadonlyMap<string, RuleSet>;
  readonly acls: ReadonlyMap<string, AclSet>;
  readonly lists: PrefixLists;
  readonly combinations: Combinations;
  readonly inForce: InForce;
  /** `POLICY_CHECK_SOURCE` where it holds for every pod. */
  readonly checkSource: number;
}

/** Compiles each policy once, however many endpoints have it. */
class PolicyPool {
  readonly policies = new Map<string, PlannedPolicy>();
  readonly ofRuleSet = new Map<string, readonly string[]>();
  /** Why a policy can't be compiled, by key. */
  readonly failures = new Map<string, string>();
  readonly #sources: Sources;
  readonly #digests: PolicySources;

  constructor(sources: Sources) {
    this.#sources = sources;
    this.#digests = new PolicySources(sources.lists, sources.combinations);
  }

  rules({ ruleSet, trackedPorts }: EndpointPolicy): string | undefined {
    const set = this.#sources.ruleSets.get(ruleSet ?? "");
    if (set === undefined) return undefined;
    const ports = portsKey(trackedPorts);
    const key = `rules ${set.name} ${ports}`;
    this.ofRuleSet.set(set.name, [...new Set([...(this.ofRuleSet.get(set.name) ?? []), key])]);
    const { lists, combinations } = this.#sources;
    return this.#compiled(key, {
      source: () => this.#digests.ofRuleSet(set, ports),
      compile: () => compileRuleSet(set, trackedPorts, lists, combinations),
    });
  }

  acl({ acl }: EndpointPolicy): string | undefined {
    const set = this.#sources.acls.get(acl ?? "");
    if (set === undefined) return undefined;
    return this.#compiled(`acl ${set.name}`, {
      source: () => this.#digests.ofAcl(set),
      compile: () => compileAcl(set, this.#sources.combinations),
    });
  }

  #compiled(key: string, policy: { readonly source: () => string; readonly compile: () => PolicyImage }): string {
    if (this.policies.has(key) || this.failures.has(key)) return key;
    const source = policy.source();
    try {
      const known = this.#sources.inForce.sources.get(key) === source;
      this.policies.set(key, known ? { source } : { source, image: policy.compile() });
    } catch (error) {
      this.failures.set(key, error instanceof Error ? error.message : String(error));
    }
    return key;
  }
}

/** Why an endpoint with this policy can't be opened; undefined if it can. The first reason wins. */
function closedReason(
  policy: EndpointPolicy,
  attachment: EndpointAttachment,
  keys: { readonly rules: string | undefined; readonly acl: string | undefined },
  failures: ReadonlyMap<string, string>,
): string | undefined {
  if (policy.closed !== undefined) return policy.closed;
  if (policy.ruleSet !== undefined && keys.rules === undefined) return `RuleSet ${policy.ruleSet} is not here yet`;
  if (policy.acl !== undefined && keys.acl === undefined) return `network ACL ${policy.acl} is not here yet`;
  return failures.get(keys.rules ?? "") ?? failures.get(keys.acl ?? "") ?? checkAddresses(attachment.addresses);
}

function planEndpoint(
  attachment: EndpointAttachment,
  policy: EndpointPolicy | undefined,
  pool: PolicyPool,
  { checkSource, ruleSets }: Sources,
): EndpointPlan {
  if (policy === undefined) return { attachment, flags: constants.POLICY_PROGRAMMED | checkSource };
  const keys = { rules: pool.rules(policy), acl: pool.acl(policy) };
  const closed = closedReason(policy, attachment, keys, pool.failures);
  const rates = hasRates(policy.allowances) ? constants.POLICY_RATES : 0;
  if (closed !== undefined) return { attachment, policy, flags: rates, closed };
  const flags =
    constants.POLICY_PROGRAMMED |
    checkSource |
    rates |
    (keys.rules === undefined ? 0 : constants.POLICY_GROUP) |
    (keys.acl === undefined ? 0 : constants.POLICY_ACL);
  const revision = ruleSets.get(policy.ruleSet ?? "")?.revision;
  return {
    attachment,
    policy,
    flags,
    ...(keys.rules === undefined ? {} : { rules: keys.rules }),
    ...(keys.acl === undefined ? {} : { acl: keys.acl }),
    ...(revision === undefined ? {} : { rulesRevision: `${policy.ruleSet} ${revision}` }),
  };
}

/** Decides what a node's datapath is to hold. Pure: `inForce` spares work, and keeps numbers that are in use. */
export function planNode(
  state: CompiledState,
  attachments: readonly EndpointAttachment[],
  inForce: InForce = nothing,
): NodePlan {
  const identities = compileIdentities(state.addressSets, inForce.numbers);
  const sources: Sources = {
    ruleSets: new Map(state.ruleSets.map((set) => [set.name, set])),
    acls: new Map(state.acls.map((acl) => [acl.name, acl])),
    lists: indexPrefixLists(state.addressSets),
    combinations: new Map([...inForce.combinations, ...identities.combinations]),
    inForce,
    checkSource: state.config.antiSpoofing === "All" ? constants.POLICY_CHECK_SOURCE : 0,
  };
  const byUid = new Map(state.node.endpoints.map((endpoint) => [endpoint.pod.uid, endpoint]));
  const pool = new PolicyPool(sources);
  return {
    endpoints: attachments.map((attachment) => planEndpoint(attachment, byUid.get(attachment.uid), pool, sources)),
    policies: pool.policies,
    policiesOfRuleSet: pool.ofRuleSet,
    identities,
    trackedRemotes: compileTrackedRemotes(state.config.tracking),
  };
}
