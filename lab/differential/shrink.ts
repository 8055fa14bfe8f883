import type { Rule } from "../../semantics/policy.ts";
import { revisionOf } from "./generate/draft.ts";
import type { Sequence, Step, World } from "./sequence.ts";

/** Whether a sequence still shows the difference that is looked for. */
export type Shows = (sequence: Sequence) => Promise<boolean>;

/** Makes a sequence that shows a difference as small as it gets by leaving out one thing after another. */
export async function shrinkSequence(sequence: Sequence, shows: Shows): Promise<Sequence> {
  let smallest = sequence;
  for (let size = Number.POSITIVE_INFINITY; sizeOf(smallest) < size; ) {
    size = sizeOf(smallest);
    smallest = await dropSteps(smallest, shows);
    smallest = await simplifyWorlds(smallest, shows);
    smallest = await simplifyPackets(smallest, shows);
  }
  return smallest;
}

function sizeOf(sequence: Sequence): number {
  return JSON.stringify(sequence).length;
}

/** Drops ever shorter runs of steps. */
async function dropSteps(sequence: Sequence, shows: Shows): Promise<Sequence> {
  let smallest = sequence;
  for (let run = Math.ceil(smallest.steps.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let from = smallest.steps.length - run; from > -run; from -= run) {
      const steps = smallest.steps.filter((_, at) => at < from || at >= from + run);
      const shorter = { ...smallest, steps };
      if (isPossible(shorter) && (await shows(shorter))) smallest = shorter;
    }
  }
  return smallest;
}

/** A packet needs an endpoint that is there. */
function isPossible({ steps }: Sequence): boolean {
  let present: ReadonlySet<string> = new Set();
  return steps.every((step) => {
    if (step.kind === "program") present = new Set(step.world.endpoints.map(({ uid }) => uid));
    return step.kind !== "packet" || present.has(step.uid);
  });
}

/** A world with one thing less, in each step that programs one. */
type Simplification = (world: World) => World;

async function simplifyWorlds(sequence: Sequence, shows: Shows): Promise<Sequence> {
  let smallest = sequence;
  for (const simplify of simplifications(sequence)) {
    const steps = smallest.steps.map((step) =>
      step.kind === "program" ? { ...step, world: simplify(step.world) } : step,
    );
    const simpler = { ...smallest, steps };
    if (sizeOf(simpler) < sizeOf(smallest) && isPossible(simpler) && (await shows(simpler))) smallest = simpler;
  }
  return smallest;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** Everything that worlds of a sequence could do without. */
function simplifications({ steps }: Sequence): Simplification[] {
  const worlds = steps.flatMap((step) => (step.kind === "program" ? [step.world] : []));
  const names = (of: (world: World) => readonly string[]) => distinct(worlds.flatMap(of));
  return [
    ...names(({ endpoints }) => endpoints.map(({ uid }) => uid)).map(withoutEndpoint),
    ...names(({ state }) => state.ruleSets.map(({ name }) => name)).map(withoutRuleSet),
    ...names(({ state }) => state.acls.map(({ name }) => name)).map(withoutAcl),
    ...names(({ state }) => state.addressSets.map(({ name }) => name)).map(withoutAddressSet),
    ...names(({ state }) => state.ruleSets.flatMap(({ rules }) => rules.map(ruleKey))).map(withoutRule),
    ...names(({ state }) => state.acls.flatMap(({ rules }) => rules.map(ruleKey))).map(withoutAclRule),
    ...names(({ node }) => node.nodeAddresses).map(withoutNodeAddress),
    ...names(({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses)).map(withoutAddress),
    ...names(({ state }) => state.node.endpoints.flatMap((policy) => Object.keys(policy.allowances))).map(withoutRate),
    withPlainConfig,
    ...(["ruleSet", "acl", "closed", "trackedPorts", "adopt"] as const).map(withoutField),
  ];
}

const ruleKey = (rule: object): string => JSON.stringify(rule);

function withState(world: World, state: Partial<World["state"]>): World {
  return { ...world, state: { ...world.state, ...state } };
}

function withPolicies(
  world: World,
  change: (policy: World["state"]["node"]["endpoints"][number]) => World["state"]["node"]["endpoints"][number],
): World {
  const { node } = world.state;
  return withState(world, { node: { ...node, endpoints: node.endpoints.map(change) } });
}

function withoutEndpoint(gone: string): Simplification {
  return (world) => {
    const { node } = world.state;
    const endpoints = node.endpoints.filter(({ pod }) => pod.uid !== gone);
    return {
      ...withState(world, { node: { ...node, endpoints } }),
      endpoints: world.endpoints.filter(({ uid }) => uid !== gone),
    };
  };
}

function withoutRuleSet(gone: string): Simplification {
  return (world) => {
    const changed = withPolicies(world, ({ ruleSet, ...policy }) =>
      ruleSet === undefined || ruleSet === gone ? policy : { ...policy, ruleSet },
    );
    return withState(changed, { ruleSets: world.state.ruleSets.filter(({ name }) => name !== gone) });
  };
}

function withoutAcl(gone: string): Simplification {
  return (world) => {
    const changed = withPolicies(world, ({ acl, ...policy }) =>
      acl === undefined || acl === gone ? policy : { ...policy, acl },
    );
    return withState(changed, { acls: world.state.acls.filter(({ name }) => name !== gone) });
  };
}

function withoutAddressSet(gone: string): Simplification {
  return (world) => withState(world, { addressSets: world.state.addressSets.filter(({ name }) => name !== gone) });
}

function withoutRule(gone: string): Simplification {
  return (world) =>
    withState(world, {
      ruleSets: world.state.ruleSets.map((set) => {
        const rules = set.rules.filter((rule: Rule) => ruleKey(rule) !== gone);
        return { ...set, rules, revision: revisionOf(rules) };
      }),
    });
}

function withoutAclRule(gone: string): Simplification {
  return (world) =>
    withState(world, {
      acls: world.state.acls.map((acl) => {
        const rules = acl.rules.filter((rule) => ruleKey(rule) !== gone);
        return { ...acl, rules, revision: revisionOf(rules) };
      }),
    });
}

function withoutNodeAddress(gone: string): Simplification {
  return (world) => ({
    ...world,
    node: { nodeAddresses: world.node.nodeAddresses.filter((address) => address !== gone) },
  });
}

function withoutAddress(gone: string): Simplification {
  return (world) => ({
    ...world,
    endpoints: world.endpoints.map((endpoint) => ({
      ...endpoint,
      addresses: endpoint.addresses.filter((address) => address !== gone),
    })),
  });
}

function withoutRate(name: string): Simplification {
  return (world) => {
    if (name === "conntrackMax" || name === "timeouts") return world;
    return withPolicies(world, (policy) => {
      const allowances = Object.entries(policy.allowances).filter(([key]) => key !== name);
      return { ...policy, allowances: Object.fromEntries(allowances) as unknown as typeof policy.allowances };
    });
  };
}

function withPlainConfig(world: World): World {
  const config = {
    tracking: { cidrs: [], outsideCluster: false, clusterCidrs: [] },
    dnsAddresses: [],
    antiSpoofing: "Filtered" as const,
  };
  return withState(world, { config: { revision: revisionOf(config), ...config } });
}

function withoutField(field: "ruleSet" | "acl" | "closed" | "trackedPorts" | "adopt"): Simplification {
  return (world) => {
    switch (field) {
      case "ruleSet":
        return withPolicies(world, ({ ruleSet: _, ...policy }) => policy);
      case "acl":
        return withPolicies(world, ({ acl: _, ...policy }) => policy);
      case "closed":
        return withPolicies(world, ({ closed: _, ...policy }) => policy);
      case "trackedPorts":
        return withPolicies(world, (policy) => ({ ...policy, trackedPorts: [] }));
      case "adopt":
        return { ...world, endpoints: world.endpoints.map((endpoint) => ({ ...endpoint, adopt: false })) };
    }
  };
}

/** Leaves out what of a packet's shape the difference does not need. */
async function simplifyPackets(sequence: Sequence, shows: Shows): Promise<Sequence> {
  let smallest = sequence;
  for (const [at, step] of sequence.steps.entries()) {
    for (const field of ["tags", "options", "extensions", "payload", "padding"] as const) {
      if (step.kind !== "packet" || step.shape[field] === undefined) continue;
      const simpler = {
        ...smallest,
        steps: smallest.steps.map((one, index) => (index === at ? without(one, field) : one)),
      };
      if (await shows(simpler)) smallest = simpler;
    }
  }
  return smallest;
}

function without(step: Step, field: "tags" | "options" | "extensions" | "payload" | "padding"): Step {
  if (step.kind !== "packet") return step;
  const { [field]: _, ...shape } = step.shape;
  return { ...step, shape };
}
