import type { Packet } from "../../semantics/packet.ts";
import type { CompiledState, Direction, EndpointFacts, NodeFacts } from "../../semantics/policy.ts";
import type { Shape } from "./shape.ts";

/** An endpoint, and which of the links of the test's namespace it has. */
export interface PlacedEndpoint extends EndpointFacts {
  readonly link: number;
}

/** All that is programmed at once. */
export interface World {
  readonly state: CompiledState;
  readonly node: NodeFacts;
  readonly endpoints: readonly PlacedEndpoint[];
}

/** One packet at one endpoint. `packet.length` is left to the frame that it becomes. */
export interface Sent {
  readonly uid: string;
  readonly direction: Direction;
  readonly packet: Packet;
  readonly shape: Shape;
}

/** What happens next. `because` tells a reader what changed. */
export type Step =
  | { readonly kind: "program"; readonly because: string; readonly world: World }
  | { readonly kind: "advance"; readonly seconds: number; readonly sweeps: boolean }
  | ({ readonly kind: "packet" } & Sent);

/** Something to put to model and kernel, from nothing on. It is JSON, and a replay file holds one. */
export interface Sequence {
  /** Entries of the node's connection table (S-72). */
  readonly tableSize: number;
  readonly steps: readonly Step[];
}
