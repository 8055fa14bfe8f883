import { resourceOf } from "../kube/resources.ts";
import {
  agentName,
  agentRights,
  operatorName,
  operatorNamespaceRights,
  operatorRights,
  type Right,
  systemNamespace,
} from "./rules.ts";

/** A manifest, as far as it is read again. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const rbac = "rbac.authorization.k8s.io";

const rulesOf = (rights: readonly Right[]) =>
  rights.map(({ group, resources, verbs, names }) => ({
    apiGroups: [group],
    resources,
    ...(names === undefined ? {} : { resourceNames: names }),
    verbs,
  }));

const account = (name: string): Manifest => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, namespace: systemNamespace },
});

const role = (kind: "ClusterRole" | "Role", name: string, rights: readonly Right[]): Manifest => ({
  apiVersion: `${rbac}/v1`,
  kind,
  metadata: { name, ...(kind === "Role" ? { namespace: systemNamespace } : {}) },
  rules: rulesOf(rights),
});

const binding = (kind: "ClusterRole" | "Role", name: string): Manifest => ({
  apiVersion: `${rbac}/v1`,
  kind: `${kind}Binding`,
  metadata: { name, ...(kind === "Role" ? { namespace: systemNamespace } : {}) },
  roleRef: { apiGroup: rbac, kind, name },
  subjects: [{ kind: "ServiceAccount", name, namespace: systemNamespace }],
});

/** Claim of a pod's token: the node that the pod runs on. */
const nodeClaim = "authentication.kubernetes.io/node-name";

/**
 * RBAC has no word for "the object that is named like the node of the one who asks"; admission has. It sees writes
 * alone: reading another node's policy can't be refused this way.
 */
function ownNodeOnly(): Manifest {
  const { group, resource } = resourceOf("NodePolicy");
  const extra = "request.userInfo.extra";
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "sallyport-agent-own-node" },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [group],
            apiVersions: ["*"],
            operations: ["CREATE", "UPDATE"],
            resources: [resource, `${resource}/status`],
          },
        ],
      },
      matchConditions: [
        {
          name: "is-an-agent",
          expression: `request.userInfo.username == 'system:serviceaccount:${systemNamespace}:${agentName}'`,
        },
      ],
      validations: [
        {
          expression: `has(${extra}) && '${nodeClaim}' in ${extra} && ${extra}['${nodeClaim}'].exists(node, node == object.metadata.name)`,
          messageExpression: `'the agent of a node may write the status of NodePolicy ' + (has(${extra}) && '${nodeClaim}' in ${extra} ? ${extra}['${nodeClaim}'][0] : 'of the node its token is bound to') + ' only, not of ' + object.metadata.name`,
          reason: "Forbidden",
        },
      ],
    },
  };
}

const ownNodeBinding = (): Manifest => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicyBinding",
  metadata: { name: "sallyport-agent-own-node" },
  spec: { policyName: "sallyport-agent-own-node", validationActions: ["Deny"] },
});

/** All manifests that say who may do what, by the file they are in. */
export function rbacManifests(): ReadonlyMap<string, readonly Manifest[]> {
  return new Map([
    [
      "operator.yaml",
      [
        account(operatorName),
        role("ClusterRole", operatorName, operatorRights),
        binding("ClusterRole", operatorName),
        role("Role", operatorName, operatorNamespaceRights),
        binding("Role", operatorName),
      ],
    ],
    [
      "agent.yaml",
      [
        account(agentName),
        role("ClusterRole", agentName, agentRights),
        binding("ClusterRole", agentName),
        ownNodeOnly(),
        ownNodeBinding(),
      ],
    ],
  ]);
}
