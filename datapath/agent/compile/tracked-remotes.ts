import { familyOf } from "../../../semantics/address.ts";
import type { Cidr, NodeConfig } from "../../../semantics/policy.ts";
import { compilePrefixes, type PrefixEntry } from "./prefixes.ts";
import { RowPool } from "./rows.ts";

const everything = ["0.0.0.0/0", "::/0"] as readonly string[] as readonly Cidr[];

/** Rule numbers that stand for what a prefix says; only whether the union is tracked counts. */
const tracked = 0;
const outside = 1;
const cluster = 2;

/**
 * Entries of the trie of automatically tracked remotes (S-60): row 1 where flows with the remote are tracked, row 0
 * where they are not. A listed CIDR is tracked also inside the cluster.
 */
export function compileTrackedRemotes(tracking: NodeConfig["tracking"]): PrefixEntry[] {
  const prefixes = [
    ...tracking.cidrs.map((cidr) => ({ cidr, rule: tracked })),
    ...(tracking.outsideCluster ? everything.map((cidr) => ({ cidr, rule: outside })) : []),
    ...(tracking.outsideCluster ? tracking.clusterCidrs.map((cidr) => ({ cidr, rule: cluster })) : []),
  ].map((entry) => ({ ...entry, direction: "ingress" as const }));
  const pool = new RowPool();
  const entries = ([4, 6] as const).flatMap((family) =>
    compilePrefixes(
      prefixes.filter(({ cidr }) => familyOf(cidr) === family),
      pool,
    ),
  );
  const isTracked = pool.rows().map((row) => {
    const bits = row[0] ?? 0;
    return (bits & (1 << tracked)) !== 0 || ((bits & (1 << outside)) !== 0 && (bits & (1 << cluster)) === 0);
  });
  return entries.map(([key, value]) => {
    const row = new DataView(value.buffer).getUint16(0, true);
    return [key, new Uint8Array([Number(isTracked[row]), 0, 0, 0])];
  });
}
