import type { Judged } from "../observation.ts";
import type { Address } from "../policy.ts";
import type { Reason, Tracking } from "../verdict.ts";
import type { Connection } from "./connections.ts";
import type { Endpoint } from "./endpoint.ts";
import { isNode } from "./exemptions.ts";
import type { CompiledNode } from "./node.ts";
import type { KnownAddress } from "./prefixes.ts";
import type { PacketView } from "./view.ts";

/** One packet at one endpoint, now. */
export interface Judgement {
  readonly view: PacketView;
  readonly endpoint: Endpoint;
  readonly node: CompiledNode;
  readonly read: (address: Address) => KnownAddress;
  /** Ticks. */
  readonly now: number;
}

/** A verdict, with the entry that the packet made or passed by. */
export interface Decision extends Judged {
  readonly connection?: Connection;
}

/** Decides, or leaves it to the next one. */
export type Step = (judgement: Judgement) => Decision | undefined;

export function passes(reason: Reason, tracking: Tracking = "none", found: Partial<Decision> = {}): Decision {
  return { pass: true, reason, tracking, ...found };
}

export function drop(reason: Reason, rule?: number): Decision {
  return { pass: false, reason, tracking: "none", ...(rule === undefined ? {} : { rule }) };
}

/** Whether the other side is the pod's node (S-20). */
export function isWithNode({ view, node }: Judgement): boolean {
  return isNode(view, node.parties);
}

/** An endpoint with neither group nor ACL filters nothing. */
export function filters({ filter }: Endpoint): boolean {
  return filter.closed !== undefined || filter.group !== undefined || filter.acl !== undefined;
}
