import type { Direction, Peer, Service } from "../semantics/policy.ts";
import { toPeer, type WrittenPeer } from "./peer.ts";
import { fieldOf, type PathPart, valueAt } from "./problem.ts";
import { protocolName } from "./protocol.ts";
import type { PlacedRefusal } from "./refusal.ts";
import { egressRule, ingressRule } from "./rule.ts";

const lists = [
  { direction: "ingress", schema: ingressRule, peers: "from" },
  { direction: "egress", schema: egressRule, peers: "to" },
] as const;

/** Equal for two literal rules of one group exactly when they are the same rule (S-5). */
export function ruleIdentity(direction: Direction, { protocol, ports, icmp }: Service, peer: Peer): string {
  return JSON.stringify([direction, protocol, ports?.from, ports?.to, icmp?.type, icmp?.code, peer]);
}

function describe({ protocol, ports, icmp }: Service): string {
  const range = ports && (ports.from === ports.to ? ` ${ports.from}` : ` ${ports.from}-${ports.to}`);
  const message = icmp && (icmp.type === -1 ? "" : ` type ${icmp.type}${icmp.code === -1 ? "" : ` code ${icmp.code}`}`);
  return `${protocolName(protocol)}${range ?? message ?? ""}`;
}

interface PlacedRule {
  readonly path: readonly PathPart[];
  readonly service: Service;
  readonly peer: WrittenPeer;
}

/** The literal rules of one list, as far as its entries are valid. */
function rulesOf(group: unknown, { direction, schema, peers }: (typeof lists)[number]): readonly PlacedRule[] {
  const entries = valueAt(group, ["spec", direction]);
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry, index) => {
    const { data } = schema.safeParse(entry);
    if (!data) return [];
    return data.peers.map((peer, at) => ({
      path: ["spec", direction, index, peers, at],
      service: data.service,
      peer,
    }));
  });
}

/**
 * Exact duplicates in one group, after canonicalisation, each naming the first of its kind (S-5). The command line
 * refuses them; in a cluster they are legal, count once and are reported in status. Takes the object as written,
 * valid or not: entries that are invalid are passed over.
 */
export function duplicateRules(group: unknown): readonly PlacedRefusal[] {
  const written = valueAt(group, ["metadata", "namespace"]);
  const namespace = typeof written === "string" ? written : "default";
  return lists.flatMap((list) => {
    const seen = new Map<string, readonly PathPart[]>();
    return rulesOf(group, list).flatMap(({ path, service, peer }) => {
      const identity = ruleIdentity(list.direction, service, toPeer(peer, namespace));
      const first = seen.get(identity);
      if (!first) {
        seen.set(identity, path);
        return [];
      }
      const message = `is the same rule (${describe(service)}, same peer) as ${fieldOf(first)}`;
      return [{ path, message, remedy: "remove one of the two; the description does not make them differ" }];
    });
  });
}
