import { type Decision, drop, isWithNode, type Judgement } from "../decision.ts";

/** S-80 to S-88. Of a packet of the node it is not yet known whether it is exempt (S-87). */
export function deniedByAcl(judgement: Judgement): Decision | undefined {
  return isWithNode(judgement) ? undefined : askAcl(judgement);
}

/** S-88, for what turned out not to be exempt. */
export function deniedByAclToNode(judgement: Judgement): Decision | undefined {
  return deniedAsOwn(judgement);
}

/** The ACL's say on a packet that is one of the pod's own flows, where it was not asked yet: with the node (S-88). */
export function deniedAsOwn(judgement: Judgement): Decision | undefined {
  return isWithNode(judgement) ? askAcl(judgement) : undefined;
}

export function askAcl({ view, endpoint }: Judgement): Decision | undefined {
  const answer = endpoint.filter.acl?.judge(view);
  return answer === undefined || answer.allows ? undefined : drop("acl-deny", answer.rule);
}
