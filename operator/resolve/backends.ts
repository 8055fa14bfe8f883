import type { ContainerPort, EndpointSliceFacts, PodFacts, ServiceFacts, Snapshot } from "../snapshot.ts";
import type { AddressBook } from "./lifecycle.ts";

/** Protocol numbers of those protocols whose flows have ports here. */
export const protocolNumbers = { TCP: 6, UDP: 17, SCTP: undefined } as const;

/** Who stands behind a Service. */
export interface Backends {
  /** Pods of its own selector: they count beside its slices, which follow only when a pod is ready. */
  readonly selected: readonly PodFacts[];
  readonly slices: readonly EndpointSliceFacts[];
  /** Uids of the pods that slices name by uid or by address; undefined for a backend that is no pod. */
  readonly listed: readonly (string | undefined)[];
}

/** Looks up the backends of any Service of a snapshot. */
export function backendsOf(
  { pods, endpointSlices }: Pick<Snapshot, "pods" | "endpointSlices">,
  book: AddressBook,
): (service: ServiceFacts) => Backends {
  const slicesByService = Map.groupBy(endpointSlices, ({ namespace, service }) => `${namespace}/${service}`);
  const podsByNamespace = Map.groupBy(pods, ({ namespace }) => namespace);
  return ({ namespace, name, selector }) => {
    const slices = slicesByService.get(`${namespace}/${name}`) ?? [];
    return {
      selected: selectedBy(selector ?? {}, podsByNamespace.get(namespace) ?? []),
      slices,
      listed: slices.flatMap((slice) => podsOf(slice, book)),
    };
  };
}

/** Uids of the pods that a slice lists. */
export function podsOf({ backends }: EndpointSliceFacts, book: AddressBook): readonly (string | undefined)[] {
  return backends.flatMap(({ uid, addresses }) =>
    uid === undefined ? addresses.map((address) => book.ownerOf(address)) : [uid],
  );
}

/** A Service without a selector, or with an empty one, selects nobody. */
function selectedBy(labels: Readonly<Record<string, string>>, pods: readonly PodFacts[]): readonly PodFacts[] {
  const wanted = Object.entries(labels);
  if (wanted.length === 0) return [];
  return pods.filter((pod) => wanted.every(([key, value]) => pod.labels[key] === value));
}

/** The pod's port that a Service's target port means; undefined for a name that the pod does not have. */
export function targetPort(
  target: number | string,
  protocol: ContainerPort["protocol"],
  pod: PodFacts,
): number | undefined {
  if (typeof target === "number") return target;
  return pod.ports.find((port) => port.name === target && port.protocol === protocol)?.port;
}
