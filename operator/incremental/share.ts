import type { AddressSet } from "../../semantics/policy.ts";
import { nameOf } from "../resolve/hash.ts";
import { type Policies, referencesInForce } from "../resolve/policies.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { type References, referencesOf } from "../resolve/rule-sets.ts";
import type { ExistingObjects } from "../snapshot.ts";
import type { PodIndex } from "./pod-index.ts";

/** What the objects of one namespace come to, and the default group, whose rule set namespaces may share. */
export interface Share extends Policies {
  /** Those of its pods and Services. */
  readonly addressSets: readonly AddressSet[];
  /** What its rules in force refer to. */
  readonly inForce: References;
  /** What its rules refer to, also those of groups that are refused. */
  readonly mentioned: References;
}

const mentionedBy = ({ groups, ruleSets }: Policies): References =>
  referencesOf([...groups.values(), ...ruleSets].flatMap(({ rules }) => rules.map(({ peer }) => peer)));

/** A share whose address sets have yet to be worked out. */
export function shareOf(policies: Policies): Share {
  return {
    ...policies,
    addressSets: [],
    inForce: referencesInForce(policies),
    mentioned: mentionedBy(policies),
  };
}

/** What the API has of a namespace, as it was last written. */
export function existingOf(share: Share | undefined): ExistingObjects {
  const byName = <T extends { readonly name: string }>(objects: readonly T[] = []): ReadonlyMap<string, T> =>
    new Map(objects.map((object) => [object.name, object]));
  return {
    ruleSets: byName(share?.ruleSets),
    acls: byName(share?.aclSets),
    addressSets: byName(share?.addressSets),
    nodePolicies: new Map(),
  };
}

const none: readonly never[] = [];

/** The entries of these keys. */
function pick<T>(all: ReadonlyMap<string, T>, keys: Iterable<string>): ReadonlyMap<string, T> {
  const picked = new Map<string, T>();
  for (const key of keys) {
    const found = all.get(key);
    if (found !== undefined) picked.set(key, found);
  }
  return picked;
}

/** Tells to whose pods or Services an address set belongs; undefined for that of a prefix list. */
function homesOfSets({ snapshot }: Resolution, pods: PodIndex): (set: AddressSet) => string | undefined {
  const services = new Map(
    snapshot.services.map(({ namespace, name }) => [nameOf("service", [`${namespace}/${name}`]), namespace]),
  );
  return (set) => {
    if (set.kind === "service") return services.get(set.name);
    if (set.kind === "prefixList") return undefined;
    const [first = ""] = set.cidrs;
    return pods.homeOf(pods.ownerOf(first.slice(0, first.indexOf("/"))) ?? "");
  };
}

/** Cuts what was worked out of a whole cluster into what each namespace has of it. */
export function sharesOf(resolution: Resolution, pods: PodIndex): ReadonlyMap<string, Share> {
  const { config, compiled } = resolution;
  const groups = Map.groupBy(resolution.groups.values(), ({ group }) => group.namespace);
  const acls = Map.groupBy(resolution.acls.values(), ({ acl }) => acl.namespace);
  const attachments = Map.groupBy(resolution.attachments.values(), ({ pod }) => pod.namespace);
  const aclSets = Map.groupBy(resolution.aclSets, ({ namespace }) => namespace);
  const addressSets = Map.groupBy(compiled.addressSets, homesOfSets(resolution, pods));
  const ruleSets = new Map(resolution.ruleSets.map((ruleSet) => [ruleSet.name, ruleSet]));
  const fallback = resolution.groups.get(config.defaultGroup ?? "");
  const shareWithin = (namespace: string): Share => {
    const uids = (attachments.get(namespace) ?? none).map(({ pod }) => pod.uid);
    const decisions = pick(resolution.decisions, uids);
    const names = new Set([...decisions.values()].map(({ filters }) => filters.ruleSet ?? ""));
    const judged = [...(groups.get(namespace) ?? none), ...(fallback === undefined ? none : [fallback])];
    const policies: Policies = {
      groups: new Map(judged.map((one) => [one.group.key, one])),
      acls: new Map((acls.get(namespace) ?? none).map((one) => [one.acl.uid, one])),
      attachments: pick(resolution.attachments, uids),
      decisions,
      profiles: pick(resolution.profiles, uids),
      endpoints: pick(resolution.endpoints, uids),
      ruleSets: [...pick(ruleSets, names).values()],
      aclSets: aclSets.get(namespace) ?? none,
    };
    return { ...shareOf(policies), addressSets: addressSets.get(namespace) ?? none };
  };
  const namespaces = new Set([...groups.keys(), ...acls.keys(), ...attachments.keys()]);
  return new Map([...namespaces].map((namespace) => [namespace, shareWithin(namespace)]));
}
