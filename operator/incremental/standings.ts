import type { EndpointPolicy, NodePolicy } from "../../semantics/policy.ts";
import type { StoredObject } from "../ports.ts";
import { reportsOf } from "../reconcile/compiled-objects.ts";
import { same } from "../same.ts";
import { type NodeStanding, nodeStanding } from "../status/progress.ts";

/** A node's policy as it should be, the object that the API has for it, and where the node stands with them. */
interface KnownNode {
  readonly policy: NodePolicy;
  readonly stored: StoredObject | undefined;
  /** The stored one says what the policy says. */
  readonly written: boolean;
  readonly standing: NodeStanding;
}

/** Namespaces where the progress of some endpoint is another than before. */
export interface Moved {
  /** With rules and ACLs. */
  readonly filters: Set<string>;
  /** With allowances. */
  readonly allowances: Set<string>;
}

const unknown: NodeStanding = { endpoints: new Map(), current: false };

/** Whether the stored object says what the policy says. A report alone, which is the most frequent, changes neither. */
function isWritten(policy: NodePolicy, stored: StoredObject, known: KnownNode | undefined): boolean {
  const { uid, generation } = known?.stored?.metadata ?? {};
  if (known?.policy === policy && stored.metadata.uid === uid && stored.metadata.generation === generation)
    return known.written;
  return same(stored.spec, policy);
}

/** What of a standing the progress of an endpoint with its rules and ACL depends on. */
function toldOf({ report, endpoints }: NodeStanding, { pod, ruleSet = "", acl = "" }: EndpointPolicy): string {
  if (report === undefined) return "";
  const { state, message } = endpoints.get(pod.uid) ?? {};
  return [state, message, report.revisions[ruleSet], report.revisions[acl]].join("\n");
}

/** Where every node stands. Objects are never changed: who has the same as before stands where it stood. */
export class Standings {
  readonly #nodes = new Map<string, KnownNode>();

  of(node: string): NodeStanding {
    return this.#nodes.get(node)?.standing ?? unknown;
  }

  /** Takes up policies as they should be and as the API has them, with the agents' reports. */
  update(policies: ReadonlyMap<string, NodePolicy>, stored: readonly StoredObject[]): Moved {
    const moved: Moved = { filters: new Set(), allowances: new Set() };
    const byNode = new Map(stored.map((object) => [object.metadata.name, object]));
    for (const [node, policy] of policies) this.#updateNode(node, policy, byNode.get(node), moved);
    for (const node of this.#nodes.keys()) if (!policies.has(node)) this.#nodes.delete(node);
    return moved;
  }

  #updateNode(node: string, policy: NodePolicy, stored: StoredObject | undefined, moved: Moved): void {
    const known = this.#nodes.get(node);
    if (known?.policy === policy && known.stored === stored) return;
    const before = known?.standing ?? unknown;
    const written = stored !== undefined && isWritten(policy, stored, known);
    const report = stored === undefined ? undefined : reportsOf([stored]).get(node);
    const standing = nodeStanding(report, written);
    this.#nodes.set(node, { policy, stored, written, standing });
    for (const endpoint of policy.endpoints) {
      const { namespace } = endpoint.pod;
      const told = toldOf(before, endpoint) !== toldOf(standing, endpoint);
      if (told) moved.filters.add(namespace);
      if (told || before.current !== standing.current) moved.allowances.add(namespace);
    }
  }
}
