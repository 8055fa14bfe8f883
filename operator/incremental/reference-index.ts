import type { GroupKey } from "../../semantics/policy.ts";
import type { References } from "../resolve/rule-sets.ts";

const nowhere: ReadonlySet<string> = new Set();

/** Which namespaces' rules refer to what. */
export class ReferenceIndex {
  readonly groups = new Map<GroupKey, Set<string>>();
  readonly prefixLists = new Map<string, Set<string>>();

  /** Namespaces that refer to the group. */
  toGroup(key: GroupKey): ReadonlySet<string> {
    return this.groups.get(key) ?? nowhere;
  }

  /** Namespaces that refer to the prefix list. */
  toPrefixList(name: string): ReadonlySet<string> {
    return this.prefixLists.get(name) ?? nowhere;
  }

  /** The namespace refers to other things now; what somebody refers to now and nobody did, or the other way round. */
  exchange(namespace: string, before: References | undefined, after: References): References {
    return {
      groups: exchangeIn(this.groups, namespace, before?.groups, after.groups),
      prefixLists: exchangeIn(this.prefixLists, namespace, before?.prefixLists, after.prefixLists),
    };
  }
}

function exchangeIn<Name>(
  index: Map<Name, Set<string>>,
  namespace: string,
  before: ReadonlySet<Name> = new Set(),
  after: ReadonlySet<Name>,
): ReadonlySet<Name> {
  const turned = new Set<Name>();
  for (const name of before) {
    const referring = index.get(name);
    if (after.has(name) || referring === undefined) continue;
    referring.delete(namespace);
    if (referring.size > 0) continue;
    index.delete(name);
    turned.add(name);
  }
  for (const name of after) {
    const referring = index.get(name);
    if (referring === undefined) turned.add(name);
    index.set(name, (referring ?? new Set()).add(namespace));
  }
  return turned;
}
