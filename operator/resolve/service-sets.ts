import type { AddressSet, GroupKey, ServicePort } from "../../semantics/policy.ts";
import type { PodFacts, ServiceFacts, ServicePortFacts, Snapshot } from "../snapshot.ts";
import type { Attachment } from "./attachment.ts";
import { backendsOf, protocolNumbers, targetPort } from "./backends.ts";
import { nameOf } from "./hash.ts";
import type { AddressBook } from "./lifecycle.ts";
import type { Named } from "./rule-sets.ts";

type Attachments = ReadonlyMap<string, Attachment>;

/** Groups that every backend is in, of those that rules refer to; none where a backend is no pod, or none is known. */
function commonGroups(
  backends: readonly (string | undefined)[],
  attachments: Attachments,
  referenced: Named<GroupKey>,
): readonly GroupKey[] {
  const [first, ...others] = backends.map((uid) => attachments.get(uid ?? "")?.groups.map(({ key }) => key) ?? []);
  return (first ?? []).filter((key) => referenced.has(key) && others.every((groups) => groups.includes(key)));
}

/** The port of the backends' own, if all have the same for it. */
function commonTarget(
  port: ServicePortFacts,
  pods: readonly PodFacts[],
  slicePorts: readonly { readonly name: string; readonly protocol: string; readonly port: number }[],
): number | undefined {
  const listed = slicePorts.filter(({ name, protocol }) => name === port.name && protocol === port.protocol);
  const targets = new Set([
    ...listed.map((slicePort) => slicePort.port),
    ...pods.map((pod) => targetPort(port.targetPort, port.protocol, pod)),
  ]);
  const [only] = targets;
  return targets.size === 1 ? only : undefined;
}

function portsOf(
  service: ServiceFacts,
  pods: readonly PodFacts[],
  slicePorts: Parameters<typeof commonTarget>[2],
): readonly ServicePort[] {
  return service.ports.flatMap((port): readonly ServicePort[] => {
    const protocol = protocolNumbers[port.protocol];
    const target = commonTarget(port, pods, slicePorts);
    return protocol === undefined || target === undefined ? [] : [{ protocol, port: port.port, targetPort: target }];
  });
}

/**
 * The Services that stand for their backends (S-9a): those all of whose backends are in one group at least that rules
 * refer to. A port on which backends differ stands for nothing.
 */
export function resolveServiceSets(
  snapshot: Snapshot,
  attachments: Attachments,
  book: AddressBook,
  referenced: Named<GroupKey>,
): readonly AddressSet[] {
  const running = snapshot.pods.filter(({ uid, hostNetwork }) => hostNetwork || book.addressesOf(uid) !== undefined);
  const backends = backendsOf({ ...snapshot, pods: running }, book);
  return snapshot.services.flatMap((service): readonly AddressSet[] => {
    const { selected, slices, listed } = backends(service);
    const groups = commonGroups([...selected.map(({ uid }) => uid), ...listed], attachments, referenced);
    const ports = portsOf(
      service,
      selected,
      slices.flatMap((slice) => slice.ports),
    );
    if (service.addresses.length === 0 || groups.length === 0 || ports.length === 0) return [];
    const name = nameOf("service", [`${service.namespace}/${service.name}`]);
    return [{ kind: "service", name, groups, addresses: [...service.addresses].sort(), ports }];
  });
}
