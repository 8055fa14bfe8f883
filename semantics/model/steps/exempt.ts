import { opensAnew } from "../connections.ts";
import { type Decision, filters, isWithNode, type Judgement, passes } from "../decision.ts";
import * as exemptions from "../exemptions.ts";
import { flowOf } from "../flow.ts";
import { overLinkLocalRate } from "./rate.ts";

/** S-20: neighbour discovery, multicast listeners, IGMP, DHCP; also where the endpoint is closed. */
export function alwaysExempt(judgement: Judgement): Decision | undefined {
  const { view, node } = judgement;
  if (view.packet.broken || !exemptions.isAlwaysExempt(view, node.parties)) return undefined;
  return exempt(judgement);
}

/** S-20: fe80::/10 between the pod and its node, whose source need not be known as the pod's. */
export function linkLocalOfNode(judgement: Judgement): Decision | undefined {
  const { view, node } = judgement;
  if (view.packet.broken || !exemptions.isLinkLocalOfNode(view, node.parties)) return undefined;
  return overLinkLocalRate(judgement) ?? exempt(judgement);
}

/** S-20: link-local services and DNS, which S-87 exempts from the ACL too. */
export function service(judgement: Judgement): Decision | undefined {
  return exemptions.isService(judgement.view, judgement.node.parties) ? exempt(judgement) : undefined;
}

/** S-20: what the node itself sends, and the replies. What it forwards is filtered, whosever ports it bears. */
export function ofNode(judgement: Judgement): Decision | undefined {
  const { view, endpoint, node, now } = judgement;
  const originates = exemptions.isNodeOriginated(view, node.parties);
  if (!isWithNode(judgement) || (view.direction === "ingress" && !originates)) return undefined;
  const flow = flowOf(view);
  const known = flow && endpoint.exemptions.find(flow, now);
  if (known !== undefined && !opensAnew(known, view)) {
    endpoint.exemptions.touch(known, view, now);
    return passes("exempt", "none", { connection: known });
  }
  if (!originates) return undefined;
  if (flow !== undefined && exemptions.beginsExemptFlow(view)) {
    const connection = endpoint.exemptions.begin(flow, view, now);
    return passes("exempt", "none", { connection });
  }
  return view.transport.kind === "tcp" ? undefined : passes("exempt");
}

/** S-20, with the reason that a pod's packets have where nothing filters them. */
function exempt({ endpoint }: Judgement): Decision {
  return passes(filters(endpoint) ? "exempt" : "unfiltered");
}
