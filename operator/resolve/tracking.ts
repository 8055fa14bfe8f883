import type { NodeConfig, TrackedPort } from "../../semantics/policy.ts";
import type { OperatorConfig } from "../config.ts";
import type {
  ContainerPort,
  EndpointSliceFacts,
  ExistingObjects,
  PodFacts,
  PrefixListObject,
  ServiceFacts,
  Snapshot,
  TrackingObject,
} from "../snapshot.ts";
import { backendsOf, podsOf, protocolNumbers, targetPort } from "./backends.ts";
import { revisionOf } from "./hash.ts";
import type { AddressBook } from "./lifecycle.ts";

/** The one policy, whatever its spec. */
export function trackingPolicyOf(snapshot: Pick<Snapshot, "trackingPolicies">): TrackingObject | undefined {
  return snapshot.trackingPolicies.find(({ ref }) => ref.name === "default");
}

/** Label that Gateway implementations put on what they make for a Gateway (GEP-1762). */
const gatewayLabel = "gateway.networking.k8s.io/gateway-name";

/** Whether connections to the Service's backends are tracked. An invalid policy tracks when in doubt. */
export function isTracked(service: ServiceFacts, policy: TrackingObject): boolean {
  const paths = policy.spec?.paths;
  const balanced = service.type === "LoadBalancer" || service.type === "NodePort";
  const ofGateway = service.labels[gatewayLabel] !== undefined;
  if (paths === undefined) return balanced || ofGateway;
  return (balanced && paths.some(({ services }) => services)) || (ofGateway && paths.some(({ gateways }) => gateways));
}

type PortsByPod = Map<string, Map<string, TrackedPort>>;

function add(ports: PortsByPod, uid: string, protocol: ContainerPort["protocol"], port: number): void {
  const number = protocolNumbers[protocol];
  if (number === undefined) return;
  const own = ports.get(uid) ?? new Map<string, TrackedPort>();
  own.set(`${number}/${port}`, { protocol: number, port });
  ports.set(uid, own);
}

function addListed(ports: PortsByPod, slice: EndpointSliceFacts, book: AddressBook): void {
  const pods = podsOf(slice, book).filter((uid) => uid !== undefined);
  for (const uid of pods) for (const { protocol, port } of slice.ports) add(ports, uid, protocol, port);
}

function addSelected(ports: PortsByPod, service: ServiceFacts, pod: PodFacts): void {
  for (const { protocol, targetPort: target } of service.ports) {
    const port = targetPort(target, protocol, pod);
    if (port !== undefined) add(ports, pod.uid, protocol, port);
  }
}

/** Local ports of each pod on which every flow is tracked (S-60), by uid, in order. */
export function resolveTrackedPorts(
  snapshot: Snapshot,
  book: AddressBook,
): ReadonlyMap<string, readonly TrackedPort[]> {
  const policy = trackingPolicyOf(snapshot);
  const ports: PortsByPod = new Map();
  const backends = backendsOf(snapshot, book);
  for (const service of policy ? snapshot.services.filter((service) => isTracked(service, policy)) : []) {
    const { slices, selected } = backends(service);
    for (const slice of slices) addListed(ports, slice, book);
    for (const pod of selected) addSelected(ports, service, pod);
  }
  const inOrder = (own: ReadonlyMap<string, TrackedPort>) =>
    [...own.values()].sort((a, b) => a.protocol - b.protocol || a.port - b.port);
  return new Map([...ports].map(([uid, own]) => [uid, inOrder(own)]));
}

function trackedRemotes(
  snapshot: TrackingSources,
  lists: ReadonlyMap<string, PrefixListObject>,
): NodeConfig["tracking"] {
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

/** What the NodeConfig follows from, beside prefix lists and configuration. An invalid policy leaves it as it is. */
type TrackingSources = Pick<Snapshot, "trackingPolicies"> & { readonly existing: Pick<ExistingObjects, "config"> };

/** What holds on every node: tracking paths' remote addresses and the configuration. */
export function resolveNodeConfig(
  snapshot: TrackingSources,
  lists: ReadonlyMap<string, PrefixListObject>,
  { dnsAddresses, antiSpoofing }: OperatorConfig,
): NodeConfig {
  const content = { tracking: trackedRemotes(snapshot, lists), dnsAddresses: [...dnsAddresses].sort(), antiSpoofing };
  return { revision: revisionOf(content), ...content };
}
