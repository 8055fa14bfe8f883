import { join } from "node:path";
import type { EndpointStatus } from "../../../datapath/agent/control.ts";
import type { Metrics } from "../../../lab/engine/ports.ts";
import type { ConnectionRow } from "../../../semantics/observation.ts";

/** Where labs that are up keep their sockets; it is gone after a reboot, as they are. */
const stateRoot = "/run/sallyport/labs";

/** Directory of one lab's state. */
export function stateDirectory(lab: string): string {
  return join(stateRoot, lab);
}

/** Unix socket on which a lab's keeper answers. */
export function socketPath(lab: string): string {
  return join(stateDirectory(lab), "keeper.sock");
}

/** What a keeper can be asked: one request a connection, one JSON line each way. */
export type Request =
  | { readonly method: "status" }
  /** Manifests that were checked already, as written. */
  | { readonly method: "apply"; readonly manifests: readonly unknown[] }
  /** The connection tables of one pod or of all. */
  | { readonly method: "conntrack"; readonly pod?: string }
  | { readonly method: "netns"; readonly machine: string }
  | { readonly method: "down" };

interface PodStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly state: EndpointStatus["state"];
  readonly message?: string;
  readonly metrics: Metrics;
}

export interface LabStatus {
  readonly scenario: string;
  readonly pid: number;
  readonly pods: readonly PodStatus[];
  readonly hosts: readonly { readonly name: string; readonly addresses: readonly string[] }[];
}

export interface PodConnections {
  readonly pod: string;
  readonly rows: readonly ConnectionRow[];
}

/** What each method answers. */
export interface Answers {
  readonly status: LabStatus;
  readonly apply: readonly EndpointStatus[];
  readonly conntrack: readonly PodConnections[];
  /** Path of the machine's network namespace. */
  readonly netns: string;
  readonly down: null;
}

export type Reply = { readonly result: unknown } | { readonly error: string };
