import { resourceOf } from "../kube/resources.ts";
import type { Kind } from "../ports.ts";

/** Namespace of the operator and the agents in the generated manifests. */
export const systemNamespace = "sallyport-system";

/** Names of the service accounts, and of what is bound to them. */
export const operatorName = "sallyport-operator";
export const agentName = "sallyport-agent";

/** One rule of a role (`rbac.authorization.k8s.io/v1`), with the reason why it is needed. */
export interface Right {
  readonly why: string;
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly names?: readonly string[];
}

function right(why: string, kinds: readonly Kind[], verbs: readonly string[], subresource = ""): readonly Right[] {
  const named = kinds.map(resourceOf);
  const byGroup = Map.groupBy(named, ({ group }) => group);
  return [...byGroup].map(([group, own]) => ({
    why,
    group,
    resources: own.map(({ resource }) => `${resource}${subresource}`),
    verbs,
  }));
}

const userKinds = ["SecurityGroup", "PrefixList", "NetworkACL", "AllowanceProfile", "TrackingPolicy"] as const;
const coreKinds = ["Namespace", "Pod", "ServiceAccount", "Service", "EndpointSlice"] as const;

/** All that the operator may do in the cluster. */
export const operatorRights: readonly Right[] = [
  ...right("what pods are, where they run and what stands before them", coreKinds, ["list", "watch"]),
  ...right("what users want", userKinds, ["list", "watch"]),
  ...right("the finalizer that holds deletions (S-19)", ["SecurityGroup", "PrefixList"], ["get", "patch"]),
  ...right("what became of it", userKinds, ["patch"], "/status"),
  ...right(
    "compiled objects; update where somebody else has added to them",
    ["RuleSet", "AddressSet", "NodePolicy"],
    ["list", "watch", "create", "patch", "update", "delete"],
  ),
  ...right("the one configuration of all nodes", ["NodeConfig"], ["list", "watch", "create", "patch", "update"]),
  ...right("attachment by EKS's policies, where they are installed", ["SecurityGroupPolicy"], ["list", "watch"]),
  { why: "what people should be told", group: "events.k8s.io", resources: ["events"], verbs: ["create", "patch"] },
];

/** What the operator may do in its own namespace. */
export const operatorNamespaceRights: readonly Right[] = [
  {
    why: "the lease of the leader; a name can't limit create",
    group: "coordination.k8s.io",
    resources: ["leases"],
    verbs: ["create"],
  },
  {
    why: "the lease of the leader",
    group: "coordination.k8s.io",
    resources: ["leases"],
    verbs: ["get", "update"],
    names: [operatorName],
  },
];

/** All that an agent may do; that the status is its own node's, an admission policy says. */
export const agentRights: readonly Right[] = [
  ...right(
    "what its node must enforce",
    ["RuleSet", "AddressSet", "NodePolicy", "NodeConfig"],
    ["get", "list", "watch"],
  ),
  ...right("its report", ["NodePolicy"], ["patch", "update"], "/status"),
];
