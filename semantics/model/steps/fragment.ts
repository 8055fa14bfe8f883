import { type Decision, drop, type Judgement, passes } from "../decision.ts";
import type { FirstFragment } from "../fragments.ts";
import { askAcl } from "./acl.ts";
import { related, untracked } from "./flow.ts";

/** S-41: a later fragment follows its first one, as long as that one would still pass. */
export function laterFragment(judgement: Judgement): Decision | undefined {
  const { view, endpoint, now } = judgement;
  if (view.transport.kind !== "fragment") return undefined;
  const first = endpoint.fragments.firstOf(view, now);
  if (first === undefined) return drop("fragment");
  if (first.reason === "exempt" && first.connection === undefined) return passes("exempt");
  const denied = first.reason === "exempt" ? undefined : askAcl({ ...judgement, view: first.view });
  if (denied !== undefined) return denied;
  if (!stillPasses({ ...judgement, view: first.view }, first)) return drop("fragment");
  if (first.connection !== undefined) first.connection.seen = now;
  return passes(first.reason, first.tracking);
}

/** Whether what let a first fragment pass is still there: S-53 cuts later fragments too, S-54 does not. */
function stillPasses(judgement: Judgement, { view, reason, connection }: FirstFragment): boolean {
  const { endpoint, now } = judgement;
  if (connection !== undefined)
    return endpoint.connections.holds(connection, now) || endpoint.exemptions.holds(connection, now);
  const { group } = endpoint.filter;
  switch (reason) {
    case "unfiltered":
      return group === undefined;
    case "untracked":
      return untracked(judgement) !== undefined;
    case "related":
      return related(judgement) !== undefined;
    default:
      return group?.rules.permit(view) !== undefined;
  }
}
