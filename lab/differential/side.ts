import type { ConnectionRow, EndpointMetrics, Judged } from "../../semantics/observation.ts";
import type { Sent, World } from "./sequence.ts";

/** All that can be seen of an endpoint. */
export interface Observation {
  readonly metrics: EndpointMetrics;
  /** In an order that depends on the rows alone. */
  readonly connections: readonly ConnectionRow[];
}

/** A packet in its frame. */
export interface Framed extends Sent {
  readonly frame: Uint8Array;
}

/** One of the two that are compared. A sequence begins with `begin`, which forgets all that was before. */
export interface Side {
  begin(tableSize: number): Promise<void>;
  /** Then sweeps. */
  program(world: World): Promise<void>;
  advance(seconds: number, sweeps: boolean): Promise<void>;
  /** One verdict a packet, in their order. */
  judge(packets: readonly Framed[]): Promise<readonly Judged[]>;
  observe(uid: string): Promise<Observation>;
}

function rowKey({ family, protocol, local, port, remote, remotePort, origin }: ConnectionRow): string {
  return [family, protocol, local, port, remote, remotePort, origin].join(" ");
}

/** The rows in the order of their keys. */
export function sortedRows(rows: readonly ConnectionRow[]): ConnectionRow[] {
  return [...rows].sort((a, b) => (rowKey(a) < rowKey(b) ? -1 : 1));
}
