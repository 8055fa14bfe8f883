import type { Overview } from "../resolve/resolution.ts";
import type { HeldResolution } from "./held.ts";
import type { FactKind } from "./objects.ts";
import type { Share } from "./share.ts";

/** What metrics and events say of everything that is held. */
export function overviewOf({ objects, shares }: HeldResolution): Overview {
  const everywhere = <Kind extends FactKind>(kind: Kind) => {
    const shelf = objects.of(kind);
    return [...shelf.namespaces()].flatMap((namespace) => shelf.within(namespace));
  };
  const all = <T>(of: (share: Share, namespace: string) => Iterable<T>) => ({
    values: (): Iterable<T> => [...shares].flatMap(([namespace, share]) => [...of(share, namespace)]),
  });
  return {
    snapshot: {
      groups: everywhere("SecurityGroup"),
      prefixLists: everywhere("PrefixList"),
      profiles: everywhere("AllowanceProfile"),
      trackingPolicies: everywhere("TrackingPolicy"),
      policies: everywhere("SecurityGroupPolicy"),
    },
    // Every share has the default group too.
    groups: all(({ groups }, namespace) => [...groups.values()].filter(({ group }) => group.namespace === namespace)),
    acls: all(({ acls }) => acls.values()),
    decisions: all(({ decisions }) => decisions.values()),
  };
}
