import type { ObjectRef } from "../ports.ts";
import type { Condition } from "../status/condition.ts";
import type { Warning } from "../status/warning.ts";

/** Something that a person who looks at an object should be told. */
export interface Happening {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly type: "Normal" | "Warning";
  /** CamelCase, as in the condition or warning. */
  readonly reason: string;
  /** What the operator was doing, CamelCase. */
  readonly action: "Accept" | "Resolve" | "Program" | "Warn" | "Attach";
  readonly note: string;
}

/** A status that changed. */
export interface ChangedStatus {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly before: unknown;
  readonly status: unknown;
}

interface StatusParts {
  readonly conditions?: readonly Condition[];
  readonly warnings?: readonly Warning[];
}

const actions = { Accepted: "Accept", Resolved: "Resolve", Programmed: "Program" } as const;

/** Reasons of a condition that is not true but needs nobody: agents report, or have yet to. */
const expected: ReadonlySet<string> = new Set(["Pending", "NoReport", "NotAccepted", "NoEndpoints"]);

function conditionHappenings({ ref, uid, before, status }: ChangedStatus): readonly Happening[] {
  const earlier = (before as StatusParts | undefined)?.conditions ?? [];
  return ((status as StatusParts).conditions ?? []).flatMap((condition): readonly Happening[] => {
    const last = earlier.find(({ type }) => type === condition.type);
    if (expected.has(condition.reason) || (last?.status === condition.status && last.reason === condition.reason))
      return [];
    const good = condition.status === "True";
    // That all is well from the start is no news, but that it is in force is.
    if (good && last === undefined && condition.type !== "Programmed") return [];
    const { reason, message: note } = condition;
    return [{ ref, uid, type: good ? "Normal" : "Warning", reason, action: actions[condition.type], note }];
  });
}

function warningHappenings({ ref, uid, before, status }: ChangedStatus): readonly Happening[] {
  const known = new Set(((before as StatusParts | undefined)?.warnings ?? []).map(({ message }) => message));
  return ((status as StatusParts).warnings ?? [])
    .filter(({ message }) => !known.has(message))
    .map(({ reason, message: note }) => ({ ref, uid, type: "Warning", reason, action: "Warn", note }));
}

/** What is worth an event about a status that changed: conditions that turned, and new warnings. */
export function decideHappenings(changed: ChangedStatus): readonly Happening[] {
  return [...conditionHappenings(changed), ...warningHappenings(changed)];
}
