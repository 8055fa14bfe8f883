import type { NodeConfig } from "../policy.ts";

/** A cluster without automatic tracking and DNS exemptions, as the configuration's defaults have it. */
export const plainConfig: NodeConfig = {
  revision: "1",
  tracking: { cidrs: [], outsideCluster: false, clusterCidrs: [] },
  dnsAddresses: [],
  antiSpoofing: "Filtered",
};
