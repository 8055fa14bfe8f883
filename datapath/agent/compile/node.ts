import type { CompiledState, EndpointPolicy, TrackedPort } from "../../../semantics/policy.ts";
import { constants } from "../abi.generated.ts";
import { checkAddresses } from "../apply/endpoints.ts";
import type { EndpointAttachment } from "../control.ts";
import { compileIdentities, type Identities } from "./identities.ts";
import { compileAcl, compileRuleSet, type PolicyImage } from "./policy.ts";
import type { PrefixEntry } from "./prefixes.ts";
import { indexPrefixLists } from "./rules.ts";
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

/** Everything that the datapath of a node is to hold. */
export interface NodePlan {
  readonly policies: ReadonlyMap<string, PolicyImage>;
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

/** Decides what a node's datapath is to hold. Pure; `known` is as in `compileIdentities`. */
export function planNode(
  state: CompiledState,
  attachments: readonly EndpointAttachment[],
  known: ReadonlyMap<string, number>,
): NodePlan {
  const lists = indexPrefixLists(state.addressSets);
  const identities = compileIdentities(state.addressSets, known);
  const ruleSets = new Map(state.ruleSets.map((set) => [set.name, set]));
  const acls = new Map(state.acls.map((acl) => [acl.name, acl]));
  const byUid = new Map(state.node.endpoints.map((endpoint) => [endpoint.pod.uid, endpoint]));
  const policies = new Map<string, PolicyImage>();
  const policiesOfRuleSet = new Map<string, string[]>();
  const failures = new Map<string, string>();
  const checkSource = state.config.antiSpoofing === "All" ? constants.POLICY_CHECK_SOURCE : 0;

  const compiled = (key: string, make: () => PolicyImage): string => {
    if (!policies.has(key) && !failures.has(key)) {
      try {
        policies.set(key, make());
      } catch (error) {
        failures.set(key, error instanceof Error ? error.message : String(error));
      }
    }
    return key;
  };
  const rulesKey = (policy: EndpointPolicy): string | undefined => {
    const set = policy.ruleSet === undefined ? undefined : ruleSets.get(policy.ruleSet);
    if (set === undefined) {
      return undefined;
    }
    const key = `rules ${set.name} ${portsKey(policy.trackedPorts)}`;
    policiesOfRuleSet.set(set.name, [...new Set([...(policiesOfRuleSet.get(set.name) ?? []), key])]);
    return compiled(key, () => compileRuleSet(set, policy.trackedPorts, lists, identities.combinations));
  };
  const aclKey = (policy: EndpointPolicy): string | undefined => {
    const acl = policy.acl === undefined ? undefined : acls.get(policy.acl);
    return acl && compiled(`acl ${acl.name}`, () => compileAcl(acl, identities.combinations));
  };

  const plan = (attachment: EndpointAttachment): EndpointPlan => {
    const policy = byUid.get(attachment.uid);
    if (policy === undefined) {
      return { attachment, flags: constants.POLICY_PROGRAMMED | checkSource };
    }
    const rules = rulesKey(policy);
    const acl = aclKey(policy);
    const closed =
      policy.closed ??
      (policy.ruleSet !== undefined && rules === undefined ? `RuleSet ${policy.ruleSet} is not here yet` : undefined) ??
      (policy.acl !== undefined && acl === undefined ? `network ACL ${policy.acl} is not here yet` : undefined) ??
      failures.get(rules ?? "") ??
      failures.get(acl ?? "") ??
      checkAddresses(attachment.addresses);
    if (closed !== undefined) {
      return { attachment, policy, flags: 0, closed };
    }
    const flags =
      constants.POLICY_PROGRAMMED |
      checkSource |
      (rules === undefined ? 0 : constants.POLICY_GROUP) |
      (acl === undefined ? 0 : constants.POLICY_ACL);
    const revision = ruleSets.get(policy.ruleSet ?? "")?.revision;
    return {
      attachment,
      policy,
      flags,
      ...(rules === undefined ? {} : { rules }),
      ...(acl === undefined ? {} : { acl }),
      ...(revision === undefined ? {} : { rulesRevision: `${policy.ruleSet} ${revision}` }),
    };
  };

  return {
    endpoints: attachments.map(plan),
    policies,
    policiesOfRuleSet,
    identities,
    trackedRemotes: compileTrackedRemotes(state.config.tracking),
  };
}
