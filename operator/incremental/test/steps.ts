import fc from "fast-check";
import { describeRef, type Kind, kinds, refOf } from "../../ports.ts";
import { Cluster, cidr, list, member, tcp } from "../../test/cluster.ts";

/** Names of groups in each namespace; a pod is in a group by a label of its name. */
const groupNames = ["web", "db", "ops"] as const;
const namespaces = ["default", "other"] as const;
const listNames = ["l1", "l2"] as const;

/** A change of one object. */
export interface Step {
  /** The object's key (`Kind namespace/name`); undefined where there is nothing to change. */
  carryOut(cluster: Cluster): Promise<string | undefined>;
  /** For counterexamples. */
  [fc.toStringMethod](): string;
}

const stepOf = (kind: Kind, value: unknown, carryOut: Step["carryOut"]): Step => ({
  carryOut,
  [fc.toStringMethod]: () => `${kind} ${JSON.stringify(value)}`,
});

const namespace = fc.constantFrom(...namespaces);
const labels = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, ""]));
const selecting = (name: string) => ({ matchLabels: labels([name]) });
const someLabels = fc.subarray([...groupNames]).map(labels);

/** Writes one object, made from random values. */
function puts<T>(
  kind: Kind,
  values: fc.Arbitrary<T>,
  make: (value: T) => { readonly name: string; readonly namespace?: string; readonly spec: object } & Partial<{
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly fields: object;
  }>,
): fc.Arbitrary<Step> {
  return values.map((value) =>
    stepOf(kind, value, async (cluster) => {
      const { name, spec, fields = {}, ...place } = make(value);
      await cluster.put(kind, name, spec, place, fields);
      return describeRef(cluster.ref(kind, name, place.namespace));
    }),
  );
}

/** Deletes the object at some place of the list. */
const removes = (kind: Kind, most: number): fc.Arbitrary<Step> =>
  fc.nat(most).map((at) =>
    stepOf(kind, { gone: at }, async ({ api }) => {
      const object = (await api.list(kind)).items[at];
      if (object === undefined) return undefined;
      await api.delete(refOf(object));
      return describeRef(refOf(object));
    }),
  );

const pod = fc
  .record({
    name: fc.constantFrom("p1", "p2", "p3", "p4", "p5"),
    namespace,
    labels: someLabels,
    node: fc.constantFrom("n1", "n2", "n3", null),
    address: fc.option(fc.integer({ min: 1, max: 9 })),
    phase: fc.constantFrom("Running", "Running", "Running", "Succeeded"),
    hostNetwork: fc.constantFrom(false, false, false, false, true),
    serviceAccount: fc.constantFrom("default", "robot"),
  })
  .map((value) =>
    stepOf("Pod", value, async (cluster) => {
      const { name, address, ...rest } = value;
      await cluster.pod(name, { ...rest, addresses: address === null ? [] : [`10.244.0.${address}`] });
      return `Pod ${rest.namespace}/${name}`;
    }),
  );

/** Lists pods of its own namespace by uid; rarely any, or by address. */
const slice = fc
  .record({
    namespace,
    pods: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
    port: fc.integer({ min: 1, max: 2 }),
    odd: fc.constantFrom(...Array<undefined>(11).fill(undefined), "foreign" as const, "address" as const),
  })
  .map((value) =>
    stepOf("EndpointSlice", value, async (cluster) => {
      const { namespace: place, pods, port, odd } = value;
      const { items } = await cluster.api.list("Pod");
      const listed = pods.flatMap((at) => items[at] ?? []);
      const own = listed.filter(({ metadata }) => odd === "foreign" || metadata.namespace === place);
      const endpoints = own.map(({ metadata, status }) =>
        odd === "address"
          ? { addresses: (status as { podIPs: readonly { ip: string }[] }).podIPs.map(({ ip }) => ip) }
          : { addresses: ["192.0.2.1"], targetRef: { kind: "Pod", uid: metadata.uid } },
      );
      const fields = { addressType: "IPv4", endpoints, ports: [{ name: "http", port, protocol: "TCP" }] };
      const service = { "kubernetes.io/service-name": "s" };
      await cluster.put("EndpointSlice", "s", {}, { namespace: place, labels: service }, fields);
      return `EndpointSlice ${place}/s`;
    }),
  );

const group = puts(
  "SecurityGroup",
  fc.record({
    name: fc.constantFrom(...groupNames),
    namespace,
    // One that the schema refuses among them.
    ports: fc.constantFrom(1, 2, 3, 4, 99_999),
    peers: fc.subarray(
      [...groupNames.flatMap((name) => namespaces.map((home) => member(name, home))), ...listNames.map(list)],
      { maxLength: 3 },
    ),
    selector: fc.option(fc.constantFrom({ podSelector: {} }, { serviceAccountSelector: selecting("robot") })),
    annotations: fc.constantFrom(
      {},
      {},
      { "sallyport.dev/force-delete": "" },
      { "sallyport.dev/ec2-group-id": "sg-1" },
    ),
    egress: fc.constantFrom([], undefined),
  }),
  ({ name, ports, peers, selector, egress, ...place }) => ({
    name,
    ...place,
    spec: {
      ...(selector ?? { podSelector: { matchLabels: labels([name]) } }),
      ingress: [tcp(String(ports), cidr("198.51.100.0/24"), ...peers)],
      ...(egress === undefined ? {} : { egress }),
    },
  }),
);

const prefixList = puts(
  "PrefixList",
  fc.record({
    name: fc.constantFrom(...listNames),
    family: fc.constantFrom("IPv4", "IPv4", "IPv6"),
    maxEntries: fc.constantFrom(1, 2, 40),
    entry: fc.constantFrom("203.0.113.0/24", "203.0.113.0/25", "2001:db8::/32", undefined),
  }),
  ({ name, family, maxEntries, entry }) => ({
    name,
    spec: { addressFamily: family, maxEntries, ...(entry === undefined ? {} : { entries: [cidr(entry)] }) },
  }),
);

const acl = puts(
  "NetworkACL",
  fc.record({ name: fc.constantFrom("a", "b"), namespace, number: fc.constantFrom(100, 200, "wrong") }),
  ({ name, namespace: place, number }) => ({
    name,
    namespace: place,
    spec: { inbound: [{ number, action: "allow", protocol: "all", cidr: "0.0.0.0/0" }] },
  }),
);

const profile = puts(
  "AllowanceProfile",
  fc.record({
    name: fc.constantFrom("small", "large"),
    selector: fc.constantFrom(undefined, { podSelector: selecting("web") }, { namespaceSelector: selecting("paid") }),
    priority: fc.integer({ min: 0, max: 2 }),
    max: fc.constantFrom(5, 6, -1),
  }),
  ({ name, selector, priority, max }) => ({ name, spec: { ...selector, priority, conntrack: { max } } }),
);

const trackingPolicy = puts(
  "TrackingPolicy",
  fc.record({
    services: fc.boolean(),
    gateways: fc.boolean(),
    prefixLists: fc.subarray([...listNames]),
    name: fc.constantFrom("network-load-balancer", "network-load-balancer", "no-path"),
  }),
  (path) => ({ name: "default", spec: { paths: [path] } }),
);

const service = puts(
  "Service",
  fc.record({
    namespace,
    type: fc.constantFrom("ClusterIP", "LoadBalancer"),
    port: fc.constantFrom(80, 81),
    selector: fc.constantFrom(labels(["web"]), labels(["db"]), undefined),
    labels: fc.constantFrom({}, { "gateway.networking.k8s.io/gateway-name": "g" }),
  }),
  ({ namespace: place, labels: own, type, port, selector }) => ({
    name: "s",
    namespace: place,
    labels: own,
    spec: {
      type,
      clusterIP: place === "other" ? "10.96.0.2" : "10.96.0.1",
      ports: [{ name: "http", port, targetPort: 8080, protocol: "TCP" }],
      ...(selector === undefined ? {} : { selector }),
    },
  }),
);

const account = puts(
  "ServiceAccount",
  fc.record({ name: fc.constantFrom("default", "robot"), namespace, labels: fc.constantFrom({}, { robot: "" }) }),
  (place) => ({ ...place, spec: {} }),
);

const labelledNamespace = puts(
  "Namespace",
  fc.record({ name: namespace, labels: fc.constantFrom({}, { paid: "" }) }),
  (place) => ({ ...place, spec: {} }),
);

const policy = puts(
  "SecurityGroupPolicy",
  fc.record({ namespace, id: fc.constantFrom("sg-1", "sg-2"), labels: someLabels }),
  ({ namespace: place, id, labels: matchLabels }) => ({
    name: "eks",
    namespace: place,
    spec: { podSelector: { matchLabels }, securityGroups: { groupIds: [id] } },
  }),
);

/** What an agent says of its node: that all is programmed, or nothing of one pod. No change for a round of compiling. */
const report = fc
  .record({ at: fc.nat(2), state: fc.constantFrom("Programmed", "NotProgrammed"), late: fc.boolean() })
  .map((value) =>
    stepOf("NodePolicy", value, async ({ api }) => {
      const { at, state, late } = value;
      const node = (await api.list("NodePolicy")).items[at];
      if (node === undefined) return undefined;
      const ruleSets = (await api.list("RuleSet")).items.map(({ metadata, spec }): [string, string] => {
        const { groups, acl: rules } = spec as Partial<Record<"groups" | "acl", { revision: string }>>;
        return [metadata.name, (groups ?? rules)?.revision ?? ""];
      });
      const [config] = (await api.list("NodeConfig")).items;
      const { endpoints } = node.spec as { endpoints: readonly { pod: { uid: string } }[] };
      await api.applyStatus(refOf(node), {
        observedGeneration: node.metadata.generation - (late ? 1 : 0),
        config: late || config === undefined ? "old" : (config.spec as { revision: string }).revision,
        revisions: Object.fromEntries(ruleSets),
        endpoints: endpoints.map(({ pod: { uid } }) => ({ uid, state })),
      });
      return undefined;
    }),
  );

/** Any change of any object that decisions depend on. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: pod },
  { weight: 8, arbitrary: group },
  { weight: 4, arbitrary: slice },
  { weight: 3, arbitrary: removes("Pod", 9) },
  { weight: 3, arbitrary: prefixList },
  { weight: 3, arbitrary: acl },
  { weight: 3, arbitrary: report },
  { weight: 2, arbitrary: service },
  { weight: 2, arbitrary: removes("SecurityGroup", 5) },
  { weight: 2, arbitrary: profile },
  { weight: 1, arbitrary: trackingPolicy },
  { weight: 1, arbitrary: account },
  { weight: 1, arbitrary: labelledNamespace },
  { weight: 1, arbitrary: policy },
  ...(Object.keys(kinds) as Kind[])
    .filter((kind) => !["RuleSet", "AddressSet", "NodePolicy", "NodeConfig", "Pod", "SecurityGroup"].includes(kind))
    .map((kind) => ({ weight: 1, arbitrary: removes(kind, 1) })),
);

/** A cluster with something of everything, so that random changes meet something. */
export async function prepared(config: object): Promise<Cluster> {
  const cluster = new Cluster(config);
  for (const name of namespaces) await cluster.put("Namespace", name, {});
  for (const name of listNames)
    await cluster.put("PrefixList", name, { addressFamily: "IPv4", maxEntries: 2, entries: [cidr("203.0.113.0/24")] });
  for (const home of namespaces) {
    for (const name of groupNames)
      await cluster.group(name, { ingress: [tcp("80", member("web"), member("db", "other"))] }, { namespace: home });
    const ports = [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }];
    const clusterIP = home === "other" ? "10.96.0.2" : "10.96.0.1";
    const spec = { type: "LoadBalancer", selector: labels(["web"]), clusterIP, ports };
    await cluster.put("Service", "s", spec, { namespace: home });
  }
  await cluster.put("TrackingPolicy", "default", { paths: [{ name: "network-load-balancer", services: true }] });
  return cluster;
}
