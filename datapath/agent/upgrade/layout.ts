import { createHash } from "node:crypto";
import { structs } from "../abi.generated.ts";

/** What decides whether the maps of one agent fit another. */
export interface LayoutOptions {
  readonly tableSize: number;
  readonly endpointSlots: number;
}

/** Name of the folder that maps of this layout are pinned in: an agent with another one moves what is in them over. */
export function layoutOf({ tableSize, endpointSlots }: LayoutOptions): string {
  const content = JSON.stringify({ structs, tableSize, endpointSlots });
  return createHash("sha256").update(content).digest("hex").slice(0, 12);
}
