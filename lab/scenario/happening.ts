import type { ConnectionRow } from "../../semantics/observation.ts";
import type { Machine, Metrics, WirePacket } from "../engine/ports.ts";
import type { Outcome } from "./check.ts";

/** What one step came to. */
export type Happening =
  | { readonly kind: "none" }
  | {
      readonly kind: "outcome";
      readonly outcome: Outcome;
      /** The packet that the outcome's sighting is of; of several the last, of a connection one like it. */
      readonly packet: WirePacket | undefined;
    }
  | {
      readonly kind: "pod";
      readonly machine: Machine;
      readonly metrics: Metrics;
      readonly rows: readonly ConnectionRow[];
    };
