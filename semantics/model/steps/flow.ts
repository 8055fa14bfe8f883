import { opensAnew } from "../connections.ts";
import { type Decision, isWithNode, type Judgement, passes } from "../decision.ts";
import { flowOf } from "../flow.ts";
import { quotedBy } from "../related.ts";
import { isPlainSyn } from "../view.ts";
import { deniedAsOwn } from "./acl.ts";

/** S-34: an ICMP error that quotes one of the pod's flows; the quote tells no flags, so no orientation. */
export function related(judgement: Judgement): Decision | undefined {
  const { view, endpoint, read, now } = judgement;
  const quoted = quotedBy(view, read);
  if (quoted === undefined || !endpoint.owns(quoted.local.text)) return undefined;
  const { group } = endpoint.filter;
  const flow = flowOf(quoted);
  const own =
    group?.untracked.includes(quoted, "unknown") ||
    (flow !== undefined && endpoint.connections.peek(flow, now) !== undefined);
  if (own) return deniedAsOwn(judgement) ?? passes("related");
  const nodes = isWithNode(judgement) && flow !== undefined && endpoint.exemptions.peek(flow, now) !== undefined;
  return nodes ? passes("exempt") : undefined;
}

/** S-50 to S-58: judged by the packet alone, and no entry is touched. */
export function untracked(judgement: Judgement): Decision | undefined {
  const { view, endpoint } = judgement;
  const orientation = isPlainSyn(view) ? "known" : "unknown";
  if (!endpoint.filter.group?.untracked.includes(view, orientation)) return undefined;
  return deniedAsOwn(judgement) ?? passes("untracked", "untracked");
}

/** S-30: passes in either direction, whatever the rules say now. */
export function tracked(judgement: Judgement): Decision | undefined {
  const { view, endpoint, now } = judgement;
  const flow = flowOf(view);
  const connection =
    endpoint.filter.group === undefined || flow === undefined ? undefined : endpoint.connections.find(flow, now);
  if (connection === undefined || opensAnew(connection, view)) return undefined;
  const denied = deniedAsOwn(judgement);
  if (denied !== undefined) return denied;
  endpoint.connections.touch(connection, view, now);
  return passes("connection", "tracked", { connection });
}
