import type { NodeConfig, TrackedPort } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import type {
  ContainerPort,
  EndpointSliceFacts,
  PodFacts,
  PrefixListObject,
  ServiceFacts,
  Snapshot,
  TrackingObject,
} from "../snapshot.ts";
import { revisionOf } from "./hash.ts";

/** The one policy, whatever its spec. */
export function trackingPolicyOf(snapshot: Snapshot): TrackingObject | undefined {
  return snapshot.trackingPolicies.find(({ ref }) => ref.name === "default");
}

/** Label that Gateway implementations put on what they make for a Gateway (GEP-1762). */
const gatewayLabel = "gateway.networking.k8s.io/gateway-name";

const protocols = { TCP: 6, UDP: 17, SCTP: undefined } as const;

/** Whether connections to the Service's backends are tracked. An invalid policy tracks when in doubt. */
function isTracked(service: ServiceFacts, policy: TrackingObject): boolean {
  const paths = policy.spec?.paths;
  const balanced = service.type === "LoadBalancer" || service.type === "NodePort";
  const ofGateway = service.labels[gatewayLabel] !== undefined;
  if (paths === undefined) return balanced || ofGateway;
  return (balanced && paths.some(({ services }) => services)) || (ofGateway && paths.some(({ gateways }) => gateways));
}

type PortsByPod = Map<string, Map<string, TrackedPort>>;

function add(ports: PortsByPod, uid: string, protocol: ContainerPort["protocol"], port: number): void {
  const number = protocols[protocol];
  if (number === undefined) return;
  const own = ports.get(uid) ?? new Map<string, TrackedPort>();
  own.set(`${number}/${port}`, { protocol: number, port });
  ports.set(uid, own);
}

function addSlice(ports: PortsByPod, slice: EndpointSliceFacts, podByAddress: ReadonlyMap<string, string>): void {
  for (const { uid, addresses } of slice.backends) {
    const pods = uid === undefined ? addresses.map((address) => podByAddress.get(address)) : [uid];
    for (const pod of pods)
      for (const { protocol, port } of slice.ports) if (pod !== undefined) add(ports, pod, protocol, port);
  }
}

function targetPort(target: number | string, protocol: ContainerPort["protocol"], pod: PodFacts): number | undefined {
  if (typeof target === "number") return target;
  return pod.ports.find((port) => port.name === target && port.protocol === protocol)?.port;
}

/** A Service's own selector counts beside its slices: they follow it only when the pod is ready. */
function addSelected(ports: PortsByPod, service: ServiceFacts, pods: readonly PodFacts[]): void {
  const selector = Object.entries(service.selector ?? {});
  if (selector.length === 0) return;
  for (const pod of pods.filter(({ labels }) => selector.every(([key, value]) => labels[key] === value)))
    for (const { protocol, targetPort: target } of service.ports) {
      const port = targetPort(target, protocol, pod);
      if (port !== undefined) add(ports, pod.uid, protocol, port);
    }
}

/** Local ports of each pod on which every flow is tracked (S-60), by uid, in order. */
export function resolveTrackedPorts(
  snapshot: Snapshot,
  podByAddress: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly TrackedPort[]> {
  const policy = trackingPolicyOf(snapshot);
  const ports: PortsByPod = new Map();
  const slices = Map.groupBy(snapshot.endpointSlices, ({ namespace, service }) => `${namespace}/${service}`);
  const pods = Map.groupBy(snapshot.pods, ({ namespace }) => namespace);
  for (const service of policy ? snapshot.services.filter((service) => isTracked(service, policy)) : []) {
    for (const slice of slices.get(`${service.namespace}/${service.name}`) ?? []) addSlice(ports, slice, podByAddress);
    addSelected(ports, service, pods.get(service.namespace) ?? []);
  }
  const inOrder = (own: ReadonlyMap<string, TrackedPort>) =>
    [...own.values()].sort((a, b) => a.protocol - b.protocol || a.port - b.port);
  return new Map([...ports].map(([uid, own]) => [uid, inOrder(own)]));
}

function trackedRemotes(snapshot: Snapshot, lists: ReadonlyMap<string, PrefixListObject>): NodeConfig["tracking"] {
  const policy = trackingPolicyOf(snapshot);
  const nothing = { cidrs: [], outsideCluster: false, clusterCidrs: [] };
  if (policy === undefined) return nothing;
  if (policy.spec === undefined) return snapshot.existing.config?.tracking ?? nothing;
  const { paths, clusterCIDRs } = policy.spec;
  const listed = paths.flatMap(({ prefixLists }) =>
    prefixLists.flatMap((name) => lists.get(name)?.spec?.entries.map(({ cidr }) => cidr) ?? []),
  );
  return {
    cidrs: [...new Set([...paths.flatMap(({ cidrs }) => cidrs), ...listed])].sort(),
    outsideCluster: paths.some(({ outsideCluster }) => outsideCluster),
    clusterCidrs: [...new Set(clusterCIDRs)].sort(),
  };
}

/** What holds on every node: tracking paths' remote addresses and the configuration. */
export function resolveNodeConfig(
  snapshot: Snapshot,
  lists: ReadonlyMap<string, PrefixListObject>,
  { dnsAddresses, antiSpoofing }: OperatorConfig,
): NodeConfig {
  const content = { tracking: trackedRemotes(snapshot, lists), dnsAddresses: [...dnsAddresses].sort(), antiSpoofing };
  return { revision: revisionOf(content), ...content };
}
