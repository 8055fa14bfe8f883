import type { CloseAction, ConnectAction, DeleteAction, ExchangeAction, FloodAction, PacketAction } from "./actions.ts";
import type { ScenarioConfig } from "./config.ts";
import type { ConnectExpectation, DeliveryExpectation, PodExpectation } from "./expectation.ts";
import type { HostSpec, PodSpec } from "./machines.ts";
import type { Manifest } from "./manifests.ts";

/** What one step does. */
export type Action =
  | { readonly kind: "apply"; readonly manifests: readonly Manifest[] }
  | { readonly kind: "delete"; readonly target: DeleteAction }
  | { readonly kind: "pod"; readonly pod: PodSpec }
  | { readonly kind: "removePod"; readonly pod: string }
  | { readonly kind: "packet"; readonly packet: PacketAction; readonly expect?: DeliveryExpectation }
  | { readonly kind: "connect"; readonly connect: ConnectAction; readonly expect?: ConnectExpectation }
  | { readonly kind: "exchange"; readonly exchange: ExchangeAction; readonly expect?: DeliveryExpectation }
  | { readonly kind: "close"; readonly close: CloseAction }
  | { readonly kind: "flood"; readonly flood: FloodAction; readonly expect?: DeliveryExpectation }
  /** Seconds. */
  | { readonly kind: "advance"; readonly seconds: number }
  | { readonly kind: "restartAgent" }
  | { readonly kind: "expect"; readonly expect: PodExpectation };

/** One step, and where it was written. */
export interface Step {
  /** From 1, as people count. */
  readonly number: number;
  readonly line: number;
  /** Line of its `expect`, where failures point. */
  readonly expectLine: number;
  readonly action: Action;
}

/** One scenario document, checked. */
export interface Scenario {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly config: ScenarioConfig;
  readonly resources: readonly Manifest[];
  readonly pods: readonly PodSpec[];
  readonly hosts: readonly HostSpec[];
  readonly steps: readonly Step[];
}
