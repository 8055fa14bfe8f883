import type { EngineName } from "../engine/ports.ts";
import type { CaseResult } from "../report/result.ts";
import type { Happening } from "./happening.ts";

/** One scenario in one engine: the result, and what happened at each step for the comparison. */
export interface Performance {
  readonly engine: EngineName;
  readonly result: CaseResult;
  /** By step; shorter than the steps where one ended in an error. */
  readonly happenings: readonly Happening[];
  /** Every pod at the end. */
  readonly finale: readonly (Happening & { kind: "pod" })[];
}
