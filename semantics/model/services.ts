import type { AddressSet, GroupKey } from "../policy.ts";
import type { PacketView } from "./view.ts";

/** What a packet to a Service is judged as: one to a pod that is in all these groups, on this port (S-9a). */
export interface ServiceTarget {
  readonly groups: ReadonlySet<GroupKey>;
  readonly port: number;
}

/** The Services that stand for their backends (S-9a), by address, protocol and port. */
export class Services {
  readonly #targets = new Map<string, ServiceTarget>();

  constructor(addressSets: readonly AddressSet[]) {
    for (const set of addressSets) {
      if (set.kind !== "service") continue;
      const groups = new Set(set.groups);
      for (const address of set.addresses)
        for (const { protocol, port, targetPort } of set.ports)
          this.#targets.set(`${address} ${protocol} ${port}`, { groups, port: targetPort });
    }
  }

  /** What is behind the remote and its port; undefined: no Service. */
  behind({ remote, protocol, remotePort }: PacketView): ServiceTarget | undefined {
    return this.#targets.size === 0 ? undefined : this.#targets.get(`${remote.text} ${protocol} ${remotePort}`);
  }
}
