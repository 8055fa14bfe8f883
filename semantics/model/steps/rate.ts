import { type Decision, drop, type Judgement } from "../decision.ts";
import * as exemptions from "../exemptions.ts";

/** S-75: the allowance counts packets *to* link-local services and DNS; their answers are free. */
export function overLinkLocalRate({ view, endpoint, node, now }: Judgement): Decision | undefined {
  const counts =
    view.direction === "egress" &&
    !view.packet.broken &&
    (exemptions.isService(view, node.parties) || exemptions.isLinkLocalOfNode(view, node.parties));
  return counts && !endpoint.rates.takeLinkLocal(now) ? drop("linklocal-allowance") : undefined;
}

/** S-75. */
export function overPacketRate({ endpoint, now }: Judgement): Decision | undefined {
  return endpoint.rates.takePacket(now) ? undefined : drop("packet-allowance");
}

/** S-75. A packet that is over the bandwidth has used up its part of the packet rate. */
export function overBandwidth({ view, endpoint, now }: Judgement): Decision | undefined {
  const { direction, packet } = view;
  return endpoint.rates.takeBandwidth(direction, packet.length, now) ? undefined : drop("bandwidth-allowance");
}
