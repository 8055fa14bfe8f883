/** Conditions of user objects, in the order in which statuses list them. */
export type ConditionType = "Accepted" | "Resolved" | "Programmed";

/** What a condition says; `reason` is CamelCase, for programs. */
export interface Finding {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/** `metav1.Condition`. */
export interface Condition extends Finding {
  readonly observedGeneration: number;
  /** RFC 3339: since when `status` has been what it is. */
  readonly lastTransitionTime: string;
}

function transitionTime(before: unknown, { type, status }: Finding, now: string): string {
  const conditions = (before as { readonly conditions?: readonly Condition[] } | undefined)?.conditions;
  const last = conditions?.find((condition) => condition.type === type);
  return last?.status === status ? last.lastTransitionTime : now;
}

/** Findings as conditions; one whose status is as before keeps its time. `before` is the object's whole status. */
export function settle(
  findings: readonly Finding[],
  generation: number,
  before: unknown,
  now: string,
): readonly Condition[] {
  return findings.map((finding) => ({
    ...finding,
    observedGeneration: generation,
    lastTransitionTime: transitionTime(before, finding, now),
  }));
}
