import { apiVersion } from "../../crds/version.ts";
import { appOf, podAddresses, podName, podNamespace, podNode, podUid, ports, storedPod } from "./pods.ts";
import { created, namespaceName, nodeName, type Size, uidOf } from "./size.ts";

/** An object and where etcd keeps it. */
export interface Stored {
  readonly key: string;
  readonly object: object;
}

/** Prefix lists of the cluster; rules of each namespace refer to one. */
const prefixLists = 20;
const entriesEach = 20;
/** A rule that refers to a list counts as so many, of the sixty that a group may have (S-15, S-16). */
const maxEntries = 30;

/** As Kubernetes' own controller cuts them. */
const endpointsPerSlice = 100;

export const prefixListName = (index: number): string => `partner-${index}`;

const metadata = (kind: number, index: number, name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  uid: uidOf(kind, index),
  creationTimestamp: created,
  generation: 1,
});

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

function node(index: number): Stored {
  const name = nodeName(index);
  const object = { apiVersion: "v1", kind: "Node", metadata: metadata(2, index, name), status: {} };
  return { key: `minions/${name}`, object };
}

function* namespace(index: number): Generator<Stored> {
  const name = namespaceName(index);
  const labels = { "kubernetes.io/metadata.name": name };
  yield {
    key: `namespaces/${name}`,
    object: {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { ...metadata(3, index, name), labels },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    },
  };
  // Who creates pods needs it, and the controller that makes it does not run.
  const account = metadata(4, index, "default", name);
  yield {
    key: `serviceaccounts/${name}/default`,
    object: { apiVersion: "v1", kind: "ServiceAccount", metadata: account },
  };
}

function prefixList(index: number): Stored {
  const name = prefixListName(index);
  const entries = range(entriesEach).map((entry) => ({ cidr: `203.0.${index}.${entry * 4}/30` }));
  return {
    key: `sallyport.dev/prefixlists/${name}`,
    object: {
      apiVersion,
      kind: "PrefixList",
      metadata: metadata(5, index, name),
      spec: { addressFamily: "IPv4", maxEntries, entries },
    },
  };
}

const anybody = [{ cidr: "0.0.0.0/0" }, { cidr: "::/0" }];
const tcp = (port: number, ...from: readonly object[]) => ({ protocol: "tcp", ports: port, from });
const member = (name: string, space?: string) => ({ securityGroup: { name, ...(space ? { namespace: space } : {}) } });

/**
 * The groups of one namespace: one for each app, one for what is monitored, one for all. With three apps, monitored or
 * not, pods are in six combinations of them. Some refer to each other, one to a group of the next namespace.
 */
export function groupSpecs(index: number, { namespaces }: Size) {
  const list = { prefixList: prefixListName(index % prefixLists) };
  const labels = (matchLabels: object) => ({ podSelector: { matchLabels } });
  return {
    web: { ...labels({ app: "web" }), ingress: [tcp(443, ...anybody), tcp(ports.web, ...anybody)] },
    api: {
      ...labels({ app: "api" }),
      ingress: [tcp(ports.api, member("web"), member("web", namespaceName((index + 1) % namespaces)))],
    },
    db: { ...labels({ app: "db" }), ingress: [tcp(ports.db, member("api"))], egress: [] },
    monitored: { ...labels({ monitored: "true" }), ingress: [tcp(9100, member("base"))] },
    base: {
      podSelector: {},
      ingress: [{ protocol: "icmp", icmp: { type: 8, code: 0 }, from: [member("base")] }, tcp(22, list)],
      egress: [{ protocol: "all", to: [member("base"), list] }],
    },
  };
}

function groups(index: number, size: Size): readonly Stored[] {
  const space = namespaceName(index);
  return Object.entries(groupSpecs(index, size)).map(([name, spec], group) => ({
    key: `sallyport.dev/securitygroups/${space}/${name}`,
    object: { apiVersion, kind: "SecurityGroup", metadata: metadata(6, index * 16 + group, name, space), spec },
  }));
}

/** Services of each namespace. One is reached from outside, so that its backends' ports are tracked (S-60). */
const services = [
  { name: "web", app: "web", type: "LoadBalancer" },
  { name: "api", app: "api", type: "ClusterIP" },
] as const;

type ServicePlan = (typeof services)[number];

/** A Service with a cluster address of each family, and the objects by which the API server knows these to be taken. */
function* service(index: number, which: number, { name, app, type }: ServicePlan): Generator<Stored> {
  const space = namespaceName(index);
  const number = index * services.length + which + 1;
  const clusterIPs = [`10.96.${number >> 8}.${number & 255}`, `fd00:96::${number.toString(16)}`];
  yield {
    key: `services/specs/${space}/${name}`,
    object: {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata(7, index * 16 + which, name, space),
      spec: {
        type,
        ...(type === "LoadBalancer" ? { allocateLoadBalancerNodePorts: false } : {}),
        selector: { app },
        clusterIP: clusterIPs[0],
        clusterIPs,
        ipFamilies: ["IPv4", "IPv6"],
        ipFamilyPolicy: "RequireDualStack",
        ports: [{ name: "main", protocol: "TCP", port: 443, targetPort: ports[app] }],
      },
    },
  };
  for (const [family, address] of clusterIPs.entries())
    yield {
      key: `ipaddresses/${address}`,
      object: {
        apiVersion: "networking.k8s.io/v1",
        kind: "IPAddress",
        metadata: {
          ...metadata(10, number * 2 + family, address),
          labels: {
            "ipaddress.kubernetes.io/ip-family": family === 0 ? "IPv4" : "IPv6",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
          },
        },
        spec: { parentRef: { group: "", resource: "services", namespace: space, name } },
      },
    };
}

function endpoint(pod: number, family: number, size: Size) {
  return {
    addresses: [podAddresses(pod)[family]],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: podNode(pod, size),
    targetRef: { kind: "Pod", namespace: podNamespace(pod, size), name: podName(pod), uid: podUid(pod) },
  };
}

function* endpointSlices(index: number, { name, app }: ServicePlan, size: Size): Generator<Stored> {
  const space = namespaceName(index);
  const inNamespace = range(Math.ceil((size.pods - index) / size.namespaces)).map(
    (step) => index + step * size.namespaces,
  );
  const backends = inNamespace.filter((pod) => appOf(pod, size) === app);
  for (const [family, addressType] of ["IPv4", "IPv6"].entries())
    for (let first = 0; first < backends.length; first += endpointsPerSlice) {
      const sliceName = `${name}-${addressType.toLowerCase()}-${first / endpointsPerSlice}`;
      const uid = uidOf(8, pathNumber(index, name, family, first));
      const labels = { "kubernetes.io/service-name": name };
      yield {
        key: `endpointslices/${space}/${sliceName}`,
        object: {
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: { name: sliceName, namespace: space, uid, creationTimestamp: created, generation: 1, labels },
          addressType,
          endpoints: backends.slice(first, first + endpointsPerSlice).map((pod) => endpoint(pod, family, size)),
          ports: [{ name: "main", protocol: "TCP", port: ports[app] }],
        },
      };
    }
}

function pathNumber(index: number, name: string, family: number, first: number): number {
  return ((index * 4 + (name === "web" ? 0 : 2) + family) << 10) + first / endpointsPerSlice;
}

function trackingPolicy({ namespaces }: Size): Stored {
  const paths = [
    { name: "network-load-balancer", services: true },
    { name: "transit-gateway", cidrs: ["198.51.100.0/24"], prefixLists: [prefixListName(0)] },
  ];
  return {
    key: "sallyport.dev/trackingpolicies/default",
    object: { apiVersion, kind: "TrackingPolicy", metadata: metadata(9, namespaces, "default"), spec: { paths } },
  };
}

/** Everything in a cluster of this size, with its key below `/registry/`. */
export function* storedObjects(size: Size): Generator<Stored> {
  for (const index of range(size.nodes)) yield node(index);
  for (const index of range(prefixLists)) yield prefixList(index);
  yield trackingPolicy(size);
  for (const index of range(size.namespaces)) {
    yield* namespace(index);
    yield* groups(index, size);
    for (const [which, plan] of services.entries()) {
      yield* service(index, which, plan);
      yield* endpointSlices(index, plan, size);
    }
  }
  for (let index = 0; index < size.pods; index += 1)
    yield { key: `pods/${podNamespace(index, size)}/${podName(index)}`, object: storedPod(index, size) };
}
