import { runIp } from "./ip.ts";
import type { NetworkNamespace } from "./namespace.ts";

/** Mark of what a step has asked a stack to send (SO_MARK). */
export const askedFor = 1;

const rules = [`rule add pref 1 iif lo fwmark ${askedFor} lookup main`, "rule add pref 2 iif lo blackhole"];

/**
 * Keeps a namespace's own stack from answering: what it sends without the mark has no route. Neighbour discovery,
 * which is not routed, goes on, and so does forwarding.
 */
export function hush(namespace: NetworkNamespace): void {
  for (const family of [4, 6] as const) runIp(namespace, rules, family);
}
