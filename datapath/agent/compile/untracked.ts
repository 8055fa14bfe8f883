import type { Direction, Family, PortRange, Rule, TrackedPort } from "../../../semantics/policy.ts";
import { anyPeerAllPorts, anyPeerPorts } from "../../../semantics/tracking.ts";
import { constants, structs } from "../abi.generated.ts";

const families: readonly Family[] = [4, 6];
const protocols = [
  { number: 6, field: "tcp" },
  { number: 17, field: "udp" },
] as const;

function setRange(bits: Uint8Array, { from, to }: PortRange): void {
  for (let port = from; port <= to; port++) {
    bits[port >> 3] = (bits[port >> 3] ?? 0) | (1 << (port & 7));
  }
}

function bitsAt(bytes: Uint8Array, field: number, index: number, protocol: (typeof protocols)[number]): Uint8Array {
  const offset = field + index * structs.port_bits.size + structs.port_bits.fields[protocol.field];
  return bytes.subarray(offset, offset + 8192);
}

/**
 * Writes `untracked_in`, `untracked_out` and `tracked_local` of `struct policy`: S-56's `U_in(L)` and `U_out(R)` for
 * every port, so that the datapath need only look one bit up.
 */
export function writeUntracked(rules: readonly Rule[], tracked: readonly TrackedPort[], bytes: Uint8Array): void {
  const { fields } = structs.policy;
  const orientations: readonly [Direction, Direction, number][] = [
    ["ingress", "egress", fields.untracked_in],
    ["egress", "ingress", fields.untracked_out],
  ];
  for (const family of families) {
    const index = family === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4;
    for (const protocol of protocols) {
      for (const [initiating, opposite, field] of orientations) {
        if (!anyPeerAllPorts(rules, opposite, protocol.number, family)) {
          continue;
        }
        for (const range of anyPeerPorts(rules, initiating, protocol.number, family)) {
          setRange(bitsAt(bytes, field, index, protocol), range);
        }
      }
    }
  }
  for (const protocol of protocols) {
    for (const { port } of tracked.filter((entry) => entry.protocol === protocol.number)) {
      setRange(bitsAt(bytes, fields.tracked_local, 0, protocol), { from: port, to: port });
    }
  }
}
