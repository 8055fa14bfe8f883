import type { FaultProxy } from "./fault-proxy.ts";
import type { World } from "./world.ts";

/** Where a story of changes and disruptions takes place. */
export interface Stage {
  readonly world: World;
  /** Between the operator and the API server. */
  readonly proxy: FaultProxy;
  /** Ends the operator's process, wherever it is, and begins another one, which need not be ready yet. */
  restart(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

/** Something that happens. */
export interface Step {
  /** What, and to whom: for the report of a failure. */
  readonly text: string;
  carryOut(stage: Stage): Promise<void>;
}
