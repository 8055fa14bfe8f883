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

/** S-56's `U_in` or `U_out` of one family and protocol, as ports; empty where the other direction does not permit all. */
function untrackedPorts(
  rules: readonly Rule[],
  [initiating, opposite]: readonly [Direction, Direction],
  protocol: 6 | 17,
  family: Family,
): readonly PortRange[] {
  return anyPeerAllPorts(rules, opposite, protocol, family) ? anyPeerPorts(rules, initiating, protocol, family) : [];
}

/**
 * Writes `untracked_in`, `untracked_out` and `tracked_local` of `struct policy`: S-56's `U_in(L)` and `U_out(R)` for
 * every port, so that the datapath need only look one bit up.
 */
export function writeUntracked(rules: readonly Rule[], tracked: readonly TrackedPort[], bytes: Uint8Array): void {
  const { fields } = structs.policy;
  const write = (ranges: readonly PortRange[], field: number, index: number, protocol: (typeof protocols)[number]) => {
    for (const range of ranges) setRange(bitsAt(bytes, field, index, protocol), range);
  };
  for (const protocol of protocols) {
    for (const family of families) {
      const index = family === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4;
      const ports = (directions: readonly [Direction, Direction]) =>
        untrackedPorts(rules, directions, protocol.number, family);
      write(ports(["ingress", "egress"]), fields.untracked_in, index, protocol);
      write(ports(["egress", "ingress"]), fields.untracked_out, index, protocol);
    }
    const local = tracked.filter((entry) => entry.protocol === protocol.number);
    write(
      local.map(({ port }) => ({ from: port, to: port })),
      fields.tracked_local,
      0,
      protocol,
    );
  }
}
