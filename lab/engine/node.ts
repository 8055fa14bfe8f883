import { parseAddress } from "../../semantics/address.ts";
import type { Address } from "../../semantics/policy.ts";
import type { Machine } from "./ports.ts";

function known(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.value;
}

/** The node's address on every pod's link, and the pods' IPv6 gateway. */
export const nodeLinkLocal = known("fe80::1");

/**
 * The node that the pods run on: all addresses that it owns, the link-local one included, so that every engine
 * takes the same packets for the node's (S-20). The first of each family is what steps mean by `node`.
 */
export const nodeMachine: Machine & { readonly kind: "node" } = {
  kind: "node",
  name: "node",
  addresses: [known("10.244.255.254"), known("fd00:244::fffe"), nodeLinkLocal],
};
