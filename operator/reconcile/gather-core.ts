import type { EndpointSlice, Namespace, Pod, Service, ServiceAccount } from "../../crds/kinds.ts";
import type { Address } from "../../semantics/policy.ts";
import type { EndpointSliceFacts, NamespaceFacts, PodFacts, ServiceAccountFacts, ServiceFacts } from "../snapshot.ts";

const creationOf = (metadata: Readonly<Record<string, unknown>>): string => {
  const written = metadata["creationTimestamp"];
  return typeof written === "string" ? written : "";
};

/** The kubelet's word that the pod's network namespace is gone. */
function hasNoSandbox(status: Pod["status"]): boolean {
  const conditions: unknown = status["conditions"];
  if (!Array.isArray(conditions)) return false;
  return conditions.some(
    (condition: { type?: unknown; status?: unknown }) =>
      condition.type === "PodReadyToStartContainers" && condition.status === "False",
  );
}

/** What a Pod says that policy depends on. */
export function podFacts({ metadata, spec, status }: Pod): PodFacts {
  const finished = status.phase === "Succeeded" || status.phase === "Failed";
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid ?? "",
    labels: metadata.labels ?? {},
    serviceAccount: spec.serviceAccountName,
    ...(spec.nodeName === undefined || spec.nodeName === "" ? {} : { node: spec.nodeName }),
    hostNetwork: spec.hostNetwork,
    finished,
    sandboxGone: finished && hasNoSandbox(status),
    addresses: status.podIPs.map(({ ip }) => ip),
    createdAt: creationOf(metadata),
    ports: spec.containers.flatMap(({ ports }) =>
      ports.map(({ name, protocol, containerPort }) => ({ name: name ?? "", protocol, port: containerPort })),
    ),
  };
}

export function namespaceFacts({ metadata }: Namespace): NamespaceFacts {
  return { name: metadata.name, labels: metadata.labels ?? {} };
}

export function serviceAccountFacts({ metadata }: ServiceAccount): ServiceAccountFacts {
  return { namespace: metadata.namespace, name: metadata.name, labels: metadata.labels ?? {} };
}

function clusterAddresses({ clusterIP, clusterIPs }: Service["spec"]): readonly Address[] {
  const written = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return written.flatMap((address) => (address === "None" || address === "" ? [] : [address]));
}

/** What a Service says of its backends; its target ports default to its ports. */
export function serviceFacts({ metadata, spec }: Service): ServiceFacts {
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    type: spec.type,
    labels: metadata.labels ?? {},
    ...(spec.selector === undefined ? {} : { selector: spec.selector }),
    addresses: clusterAddresses(spec),
    ports: spec.ports.map(({ name = "", protocol, port, targetPort = port }) => ({ name, protocol, port, targetPort })),
  };
}

/** The backends and target ports of an EndpointSlice; a slice that belongs to no Service has the empty name. */
export function endpointSliceFacts({ metadata, endpoints, ports }: EndpointSlice): EndpointSliceFacts {
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    service: metadata.labels?.["kubernetes.io/service-name"] ?? "",
    ports: (ports ?? []).flatMap(({ name, protocol, port }) =>
      port == null ? [] : [{ name: name ?? "", protocol, port }],
    ),
    backends: (endpoints ?? []).map(({ addresses, targetRef }) => ({
      addresses,
      ...(targetRef?.kind === "Pod" && targetRef.uid !== undefined ? { uid: targetRef.uid } : {}),
    })),
  };
}
