import type { Refusal } from "../resolve/judgement.ts";
import type { ConditionType, Finding } from "./condition.ts";

/** The condition that tells whether an object is valid and within its quota. */
export function accepted(refusal: Refusal | undefined): Finding {
  const type = "Accepted";
  if (refusal === undefined) return { type, status: "True", reason: "Accepted", message: "valid and within its quota" };
  return { type, status: "False", reason: refusal.reason, message: refusal.message };
}

/** A later condition of an object that is not accepted. */
export function notInForce(type: ConditionType): Finding {
  const message = "the object is not accepted; what was in force before stays so (S-75)";
  return { type, status: "False", reason: "NotAccepted", message };
}

/** Refusal of an object that its schema refuses. */
export function invalid(object: {
  readonly spec?: unknown;
  readonly problems: readonly string[];
}): Refusal | undefined {
  return object.spec === undefined ? { reason: "Invalid", message: object.problems.join("\n") } : undefined;
}
