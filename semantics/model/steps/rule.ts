import { tcpFlags } from "../../packet.ts";
import { type Decision, drop, type Judgement, passes } from "../decision.ts";
import { type Flow, flowOf } from "../flow.ts";
import { icmpMessage } from "../icmp.ts";
import type { Rules } from "../rules.ts";
import { hasFlag, isPlainSyn } from "../view.ts";

/** An ACL without a group: nothing is tracked. */
export function withoutGroup({ endpoint }: Judgement): Decision | undefined {
  return endpoint.filter.group === undefined ? passes("unfiltered") : undefined;
}

/** S-1, and the new entry (S-70, S-72). */
export function permitted(judgement: Judgement): Decision | undefined {
  const { view, endpoint, now } = judgement;
  const rules = endpoint.filter.group?.rules;
  const rule = rules?.permit(view);
  if (rules === undefined || rule === undefined) return undefined;
  const flow = begunFlow(judgement, rules);
  if (flow === undefined) return passes("rule", "none", { rule });
  const refusal = endpoint.connections.refusal(flow, endpoint.filter.allowances?.conntrackMax ?? 0, now);
  if (refusal !== undefined) return drop(refusal, rule);
  return passes("rule", "tracked", { rule, connection: endpoint.connections.begin(flow, view, now) });
}

/** The flow of the entry that a permitted packet makes; undefined: it makes none (S-31a, S-40). */
function begunFlow({ view, endpoint, now }: Judgement, rules: Rules): Flow | undefined {
  const { transport, family } = view;
  switch (transport.kind) {
    case "tcp":
      return isPlainSyn(view) || mayBeginMidStream() ? flowOf(view) : undefined;
    case "icmp":
      return icmpMessage(family, transport.type, transport.code) === "echo-request" ? flowOf(view) : undefined;
    case "udp":
    case "other":
      return flowOf(view);
    case "fragment":
      return undefined;
  }

  /** S-40, S-40a. */
  function mayBeginMidStream(): boolean {
    return !hasFlag(view, tcpFlags.RST) && (endpoint.adoption.isOn(now) || rules.permitsOpposite(view));
  }
}
