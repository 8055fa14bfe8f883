import type { EndpointPolicy, NodePolicy } from "../../semantics/policy.ts";
import { byPod } from "../resolve/endpoints.ts";
import type { PlacedEndpoint } from "../resolve/policies.ts";
import { same } from "../same.ts";

type Endpoints = ReadonlyMap<string, PlacedEndpoint>;

const nobody: Endpoints = new Map();

/** Nodes on which an endpoint came, went or has another policy. */
export function changedNodes(before: Endpoints = nobody, after: Endpoints = nobody): ReadonlySet<string> {
  const nodes = new Set<string>();
  for (const [uid, { node, policy }] of after) {
    const former = before.get(uid);
    if (former?.node === node && same(former.policy, policy)) continue;
    nodes.add(node);
    if (former !== undefined) nodes.add(former.node);
  }
  for (const [uid, { node }] of before) if (!after.has(uid)) nodes.add(node);
  return nodes;
}

/** A node's policy with other endpoints of some namespaces; undefined for a node that is left with none. */
export function exchangeEndpoints(
  node: string,
  before: NodePolicy | undefined,
  namespaces: Pick<ReadonlySet<string>, "has">,
  after: readonly EndpointPolicy[],
): NodePolicy | undefined {
  const stay = (before?.endpoints ?? []).filter(({ pod }) => !namespaces.has(pod.namespace));
  const endpoints = [...stay, ...after].sort((a, b) => byPod(a.pod, b.pod));
  return endpoints.length > 0 ? { node, endpoints } : undefined;
}
