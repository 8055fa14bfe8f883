import type { Judged } from "../observation.ts";
import { type Decision, drop, type Judgement, type Step } from "./decision.ts";
import type { Endpoint } from "./endpoint.ts";
import { deniedByAcl, deniedByAclToNode } from "./steps/acl.ts";
import { alwaysExempt, linkLocalOfNode, ofNode, service } from "./steps/exempt.ts";
import { related, tracked, untracked } from "./steps/flow.ts";
import { laterFragment } from "./steps/fragment.ts";
import { overBandwidth, overLinkLocalRate, overPacketRate } from "./steps/rate.ts";
import { permitted, withoutGroup } from "./steps/rule.ts";
import { closed, malformed, spoofed, unfiltered } from "./steps/shape.ts";

/** The order of judgement: the first step that decides, decides. What none decides is dropped (S-1). */
const steps: readonly Step[] = [
  alwaysExempt,
  linkLocalOfNode,
  closed,
  malformed,
  spoofed,
  overLinkLocalRate,
  overPacketRate,
  overBandwidth,
  unfiltered,
  service,
  laterFragment,
  deniedByAcl,
  related,
  untracked,
  tracked,
  ofNode,
  deniedByAclToNode,
  withoutGroup,
  permitted,
];

/** Judges one packet, and changes what it changes: entries, buckets, counters. */
export function judge(judgement: Judgement): Judged {
  const { view, endpoint, now } = judgement;
  const { connection, ...judged } = firstDecision(judgement);
  endpoint.counts.count(view.direction, judged.reason);
  const { pass, reason, tracking } = judged;
  if (!looksAtFragments(endpoint)) return judged;
  if (pass) endpoint.fragments.keep({ view, reason, tracking, ...(connection && { connection }) }, now);
  else endpoint.fragments.forget(view);
  return judged;
}

/** S-41: where nothing filters, or nothing passes, no first fragment is seen. */
function looksAtFragments({ filter }: Endpoint): boolean {
  return filter.group !== undefined || filter.acl !== undefined;
}

function firstDecision(judgement: Judgement): Decision {
  for (const step of steps) {
    const decision = step(judgement);
    if (decision !== undefined) return decision;
  }
  return drop("no-rule");
}
