import { tcpFlags } from "../../packet.ts";
import { type Decision, drop, filters, type Judgement, passes } from "../decision.ts";
import { hasFlag, type PacketView } from "../view.ts";

/** S-75. */
export function closed({ endpoint }: Judgement): Decision | undefined {
  return endpoint.filter.closed === undefined ? undefined : drop("not-programmed");
}

/** S-40: what cannot be read, and TCP flags that no stack sends; only where a group or an ACL is. */
export function malformed({ view, endpoint }: Judgement): Decision | undefined {
  return filters(endpoint) && (view.packet.broken || hasMalformedFlags(view)) ? drop("malformed") : undefined;
}

/** S-22: the pod's side is not the pod's address. Of a packet that cannot be read nobody knows. */
export function spoofed({ view, endpoint, node }: Judgement): Decision | undefined {
  const checked = endpoint.filter.group !== undefined || node.checksAllSources;
  return checked && !view.packet.broken && !endpoint.owns(view.local.text) ? drop("spoofed") : undefined;
}

/** No group selects the pod and its namespace has no ACL: it is not filtered, but held to its rates. */
export function unfiltered({ endpoint }: Judgement): Decision | undefined {
  return filters(endpoint) ? undefined : passes("unfiltered");
}

/** SYN with FIN or RST, or no flag at all. ECE and CWR are not what S-40 calls flags: alone they say nothing. */
function hasMalformedFlags(view: PacketView): boolean {
  if (view.transport.kind !== "tcp") return false;
  const { ECE, CWR, SYN, FIN, RST } = tcpFlags;
  const none = (view.transport.flags & ~(ECE | CWR)) === 0;
  return none || (hasFlag(view, SYN) && hasFlag(view, FIN | RST));
}
