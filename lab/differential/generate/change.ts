import type { EndpointPolicy, Rule } from "../../../semantics/policy.ts";
import type { Chance } from "../chance.ts";
import type { Draft } from "./draft.ts";
import {
  aclNames,
  randomAcl,
  randomAddresses,
  randomConfig,
  randomEndpoint,
  randomFilter,
  randomGroups,
  randomLimits,
  randomPolicy,
  randomPrefixes,
  randomServices,
  randomTrackedPorts,
  ruleSetNames,
} from "./policy.ts";
import { nodeAddresses, places, podAddresses, prefixLists, strangers } from "./pool.ts";
import { randomRule } from "./rules.ts";

const someRules = (chance: Chance): Rule[] => Array.from({ length: chance.below(8) }, () => randomRule(chance));

const members = [...podAddresses[4], ...podAddresses[6], strangers[4][0], strangers[6][0]];
const allNodeAddresses = [...nodeAddresses[4], ...nodeAddresses[6]];

/** Gives a new pod a uid that no other had. */
export type NameGiver = () => string;

/** A node to begin with. */
export function firstDraft(chance: Chance, nextUid: NameGiver): Draft {
  const endpoints = Array.from({ length: places - 1 }, (_, place) => randomEndpoint(chance, place, nextUid()));
  return {
    ruleSets: Object.fromEntries(ruleSetNames.map((name) => [name, someRules(chance)])),
    acls: Object.fromEntries(aclNames.map((name) => [name, randomAcl(chance)])),
    groupsOf: Object.fromEntries(members.map((member) => [member, randomGroups(chance)])),
    prefixLists: Object.fromEntries(prefixLists.slice(0, -1).map((name) => [name, randomPrefixes(chance)])),
    namespace: chance.some(members, 3),
    services: randomServices(chance),
    config: randomConfig(chance),
    nodeAddresses: allNodeAddresses,
    endpoints,
    policies: endpoints.map(({ uid }) => randomPolicy(chance, uid)),
  };
}

/** One thing that can happen to a node. */
interface Change {
  readonly name: string;
  readonly weight: number;
  apply(draft: Draft, chance: Chance, nextUid: NameGiver): Draft;
}

function changePolicy(draft: Draft, chance: Chance, change: (policy: EndpointPolicy) => EndpointPolicy): Draft {
  const changed = chance.pickAny(draft.policies);
  return { ...draft, policies: draft.policies.map((policy) => (policy === changed ? change(policy) : policy)) };
}

function changeRules(rules: readonly Rule[], chance: Chance): Rule[] {
  const kept = rules.filter(() => !chance.onceIn(4));
  return chance.onceIn(2) ? [...kept, randomRule(chance)] : kept;
}

function withoutFilter({ ruleSet: _, acl: __, closed: ___, ...policy }: EndpointPolicy) {
  return policy;
}

const changes: readonly Change[] = [
  {
    name: "rules",
    weight: 6,
    apply: (draft, chance) => {
      const name = chance.pick(ruleSetNames);
      return { ...draft, ruleSets: { ...draft.ruleSets, [name]: changeRules(draft.ruleSets[name] ?? [], chance) } };
    },
  },
  {
    name: "a network ACL",
    weight: 2,
    apply: (draft, chance) => ({ ...draft, acls: { ...draft.acls, [chance.pick(aclNames)]: randomAcl(chance) } }),
  },
  {
    name: "membership",
    weight: 3,
    apply: (draft, chance) => ({
      ...draft,
      groupsOf: { ...draft.groupsOf, [chance.pickAny(members) ?? ""]: randomGroups(chance) },
      namespace: chance.onceIn(3) ? chance.some(members, 3) : draft.namespace,
    }),
  },
  {
    name: "prefix lists",
    weight: 1,
    apply: (draft, chance) => ({
      ...draft,
      prefixLists: { ...draft.prefixLists, [chance.pickAny(prefixLists.slice(0, -1)) ?? ""]: randomPrefixes(chance) },
    }),
  },
  {
    name: "Services",
    weight: 1,
    apply: (draft, chance) => ({ ...draft, services: randomServices(chance) }),
  },
  {
    name: "which rules and ACL an endpoint has",
    weight: 3,
    apply: (draft, chance) =>
      changePolicy(draft, chance, (policy) => ({ ...withoutFilter(policy), ...randomFilter(chance) })),
  },
  {
    name: "an endpoint loses its last group",
    weight: 1,
    apply: (draft, chance) => changePolicy(draft, chance, ({ ruleSet: _, ...policy }) => policy),
  },
  {
    name: "limits",
    weight: 2,
    apply: (draft, chance) =>
      changePolicy(draft, chance, (policy) => ({
        ...policy,
        allowances: { ...policy.allowances, ...randomLimits(chance) },
      })),
  },
  {
    name: "tracked ports",
    weight: 1,
    apply: (draft, chance) =>
      changePolicy(draft, chance, (policy) => ({ ...policy, trackedPorts: randomTrackedPorts(chance) })),
  },
  {
    name: "the node's configuration",
    weight: 1,
    apply: (draft, chance) => ({ ...draft, config: randomConfig(chance) }),
  },
  {
    name: "an endpoint's addresses",
    weight: 1,
    apply: (draft, chance) => {
      const changed = chance.pickAny(draft.endpoints);
      return {
        ...draft,
        endpoints: draft.endpoints.map((endpoint) =>
          endpoint === changed ? { ...endpoint, addresses: randomAddresses(chance, endpoint.link) } : endpoint,
        ),
      };
    },
  },
  {
    name: "an endpoint goes",
    weight: 1,
    apply: (draft, chance) => {
      const gone = chance.pickAny(draft.endpoints);
      return { ...draft, endpoints: draft.endpoints.filter((endpoint) => endpoint !== gone) };
    },
  },
  {
    name: "another pod comes, where one is at its place",
    weight: 3,
    apply: (draft, chance, nextUid) => {
      const endpoint = randomEndpoint(chance, chance.below(places), nextUid());
      const others = draft.endpoints.filter(({ link }) => link !== endpoint.link);
      const policies = draft.policies.filter(({ pod }) => others.some(({ uid }) => uid === pod.uid));
      return {
        ...draft,
        endpoints: [...others, endpoint],
        policies: chance.onceIn(8) ? policies : [...policies, randomPolicy(chance, endpoint.uid)],
      };
    },
  },
];

/** Changes one thing, and says what. */
export function changeDraft(draft: Draft, chance: Chance, nextUid: NameGiver): { draft: Draft; because: string } {
  return chance.weighted(
    ...changes.map(
      ({ name, weight, apply }) => [weight, () => ({ draft: apply(draft, chance, nextUid), because: name })] as const,
    ),
  );
}
