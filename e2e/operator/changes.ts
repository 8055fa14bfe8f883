import fc from "fast-check";
import { objectPath } from "../../operator/kube/resources.ts";
import type { Kind } from "../../operator/ports.ts";
import type { Step } from "./stage.ts";
import { refTo, type World } from "./world.ts";

const groupNames = ["web", "db", "ops"] as const;
const podNames = ["p1", "p2", "p3", "p4", "p5"] as const;
const listNames = ["l1", "l2"] as const;
const aclNames = ["acl1", "acl2"] as const;
const profileNames = ["small", "large"] as const;
const serviceNames = ["s1", "s2"] as const;

const forceDelete = "sallyport.dev/force-delete";

/** Changes of one sort, named like it. */
function changes<T>(
  name: string,
  values: fc.Arbitrary<T>,
  carryOut: (world: World, value: T) => Promise<void>,
): fc.Arbitrary<Step> {
  return values.map((value) => ({
    text: `${name} ${JSON.stringify(value)}`,
    carryOut: ({ world }) => carryOut(world, value),
  }));
}

/** Does it if the object is there; a deletion that was held may come to its end meanwhile. */
async function ifThere(world: World, kind: Kind, name: string, act: () => Promise<unknown>): Promise<void> {
  if ((await world.get(kind, name)) === undefined) return;
  try {
    await act();
  } catch (error) {
    if ((await world.get(kind, name)) !== undefined) throw error;
  }
}

const group = changes(
  "group",
  fc.record({
    name: fc.constantFrom(...groupNames),
    port: fc.integer({ min: 1, max: 3 }),
    peers: fc.subarray([...groupNames]),
    lists: fc.subarray([...listNames]),
    byAccount: fc.boolean(),
  }),
  async (world, { name, port, peers, lists, byAccount }) => {
    const from = [
      { cidr: "198.51.100.0/24" },
      ...peers.map((peer) => ({ securityGroup: { name: peer } })),
      ...lists.map((prefixList) => ({ prefixList })),
    ];
    const serviceAccountSelector = { matchLabels: { trusted: "yes" } };
    await world.group(name, {
      ingress: [{ protocol: "tcp", ports: port, from }],
      ...(byAccount ? { serviceAccountSelector } : {}),
    });
  },
);

const prefixList = changes(
  "prefixList",
  fc.record({ name: fc.constantFrom(...listNames), prefix: fc.integer({ min: 24, max: 32 }) }),
  async (world, { name, prefix }) => {
    const entries = [{ cidr: `203.0.113.0/${prefix}` }];
    await world.put("PrefixList", name, { addressFamily: "IPv4", maxEntries: 5, entries });
  },
);

/** The second one of a namespace is refused, and takes over when the first goes. */
const acl = changes(
  "acl",
  fc.record({ name: fc.constantFrom(...aclNames), number: fc.integer({ min: 1, max: 3 }) }),
  async (world, { name, number }) => {
    const rule = { number, action: "allow", protocol: "all", cidr: "0.0.0.0/0" };
    await world.put("NetworkACL", name, { inbound: [rule] });
  },
);

const profile = changes(
  "profile",
  fc.record({
    name: fc.constantFrom(...profileNames),
    max: fc.integer({ min: 1, max: 3 }),
    priority: fc.integer({ min: 0, max: 2 }),
    of: fc.constantFrom(...groupNames),
  }),
  async (world, { name, max, priority, of }) => {
    const podSelector = { matchLabels: { [of]: "" } };
    await world.put("AllowanceProfile", name, { podSelector, priority, conntrack: { max } });
  },
);

const trackingPolicy = changes(
  "trackingPolicy",
  fc.record({ services: fc.boolean(), lists: fc.subarray([...listNames]) }),
  async (world, { services, lists }) => {
    const path = { name: "network-load-balancer", services, prefixLists: lists };
    await world.put("TrackingPolicy", "default", { paths: [path] });
  },
);

const pod = changes(
  "pod",
  fc.record({
    name: fc.constantFrom(...podNames),
    groups: fc.subarray([...groupNames]),
    node: fc.constantFrom("n1", "n2"),
    address: fc.integer({ min: 1, max: 8 }),
    hostNetwork: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
  }),
  async (world, { name, groups, node, address, hostNetwork }) => {
    const labels = Object.fromEntries(groupNames.map((each) => [each, groups.includes(each) ? "" : null]));
    if ((await world.get("Pod", name)) === undefined) await world.pod(name, { node, hostNetwork });
    await world.relabel(name, labels);
    await world.address(name, `10.244.0.${address}`, `fd00:244::${address}`);
  },
);

/** A pod ends, with its sandbox still there or gone. */
const finishedPod = changes(
  "finishedPod",
  fc.record({ name: fc.constantFrom(...podNames), sandbox: fc.constantFrom("True", "False") }),
  async (world, { name, sandbox }) => {
    const conditions = [{ type: "PodReadyToStartContainers", status: sandbox }];
    await ifThere(world, "Pod", name, () =>
      world.patch(refTo("Pod", name), { status: { phase: "Succeeded", conditions } }, "/status"),
    );
  },
);

/** A pod is told to go, and has not gone yet: there is no kubelet to end it. */
const terminatingPod = changes("terminatingPod", fc.constantFrom(...podNames), async (world, name) =>
  ifThere(world, "Pod", name, () => world.ask("DELETE", objectPath(refTo("Pod", name)), { gracePeriodSeconds: 600 })),
);

const service = changes(
  "service",
  fc.record({
    name: fc.constantFrom(...serviceNames),
    type: fc.constantFrom("ClusterIP", "LoadBalancer"),
    port: fc.integer({ min: 80, max: 82 }),
  }),
  async (world, { name, type, port }) => {
    // It has no selector: nobody but the next change writes its EndpointSlices.
    const ports = [{ name: "http", port, targetPort: 8080, protocol: "TCP" }];
    await world.put("Service", name, { type, ports });
  },
);

const endpointSlice = changes(
  "endpointSlice",
  fc.record({ service: fc.constantFrom(...serviceNames), backends: fc.subarray([...podNames]) }),
  async (world, { service: name, backends }) => {
    const pods = (await Promise.all(backends.map((backend) => world.get("Pod", backend)))).filter((one) => one != null);
    const endpoints = pods.map(({ metadata, status }) => ({
      addresses: [(status as { readonly podIP: string }).podIP],
      targetRef: { kind: "Pod", namespace: "default", name: metadata.name, uid: metadata.uid },
    }));
    await world.apply({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints,
    });
  },
);

const accountLabel = changes("accountLabel", fc.constantFrom("yes", "no"), async (world, trusted) =>
  world.patch(refTo("ServiceAccount", "default"), { metadata: { labels: { trusted } } }),
);

const names = {
  SecurityGroup: groupNames,
  PrefixList: listNames,
  NetworkACL: aclNames,
  AllowanceProfile: profileNames,
  TrackingPolicy: ["default"],
  Pod: podNames,
  Service: serviceNames,
  EndpointSlice: serviceNames,
} as const satisfies Partial<Record<Kind, readonly string[]>>;

/** Deletion; of groups and lists that are in use it is held until they no longer are. */
export const anyRemoval: fc.Arbitrary<Step> = changes(
  "removal",
  fc
    .constantFrom(...(Object.keys(names) as (keyof typeof names)[]))
    .chain((kind) => fc.record({ kind: fc.constant(kind), name: fc.constantFrom(...names[kind]) })),
  async (world, { kind, name }) => ifThere(world, kind, name, () => world.remove(kind, name)),
);

/** A deletion that is held need not wait any longer (S-19). */
const forcedRemoval = changes("forcedRemoval", fc.constantFrom(...groupNames), async (world, name) =>
  ifThere(world, "SecurityGroup", name, async () => {
    await world.patch(refTo("SecurityGroup", name), { metadata: { annotations: { [forceDelete]: "" } } });
    await world.remove("SecurityGroup", name);
  }),
);

/**
 * Any change that users, kubelets and other controllers make. All objects are valid: no last good policy (S-75) is left
 * to history.
 */
export const anyChange: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: group },
  { weight: 6, arbitrary: pod },
  { weight: 2, arbitrary: prefixList },
  { weight: 1, arbitrary: acl },
  { weight: 1, arbitrary: profile },
  { weight: 1, arbitrary: trackingPolicy },
  { weight: 1, arbitrary: finishedPod },
  { weight: 1, arbitrary: terminatingPod },
  { weight: 2, arbitrary: service },
  { weight: 2, arbitrary: endpointSlice },
  { weight: 1, arbitrary: accountLabel },
  { weight: 5, arbitrary: anyRemoval },
  { weight: 1, arbitrary: forcedRemoval },
);
