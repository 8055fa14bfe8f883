import type { Connection } from "../connections.ts";
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
  const entry = entryOf(judgement, first);
  if (entry === undefined && !stillPasses({ ...judgement, view: first.view }, first)) return drop("fragment");
  if (entry !== undefined) entry.seen = now;
  return passes(first.reason, first.tracking);
}

/** The live entry of the first fragment's flow, which may be a later one than it passed by (S-31). */
function entryOf({ endpoint, now }: Judgement, { reason, connection }: FirstFragment): Connection | undefined {
  const table = reason === "exempt" ? endpoint.exemptions : endpoint.connections;
  return connection && table.peek(connection.flow, now);
}

/** Whether what let a first fragment pass is still there, where no entry did: S-53 cuts later fragments too. */
function stillPasses(judgement: Judgement, { view, reason, connection }: FirstFragment): boolean {
  const { group } = judgement.endpoint.filter;
  if (connection !== undefined) return false;
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
