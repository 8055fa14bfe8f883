import { tcpFrame } from "../datapath/agent/test/frames.ts";
import { parseAddress } from "../semantics/address.ts";
import { tcpFlags } from "../semantics/packet.ts";
import type { Address, Family } from "../semantics/policy.ts";

/** An address that is written in this program's own text. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) {
    throw new TypeError(`${text}: ${parsed.problem}`);
  }
  return parsed.value;
}

/** Addresses of the pods by index; remotes have the flow's number in their last bytes. */
export const addressing = {
  4: { pod: (index: number) => address(`198.18.0.${index + 1}`), remote: address("198.19.0.0"), cidr: "198.19.0.0/16" },
  6: {
    pod: (index: number) => address(`2001:db8:1::${index + 1}`),
    remote: address("2001:db8:2::"),
    cidr: "2001:db8:2::/64",
  },
} as const;

export const families: readonly Family[] = [4, 6];

/** A TCP segment that a pod and the remote exchange. */
export interface Segment {
  readonly family: Family;
  readonly direction: "ingress" | "egress";
  readonly pod: Address;
  readonly podPort: number;
  readonly flags: number;
}

export const syn = tcpFlags.SYN;
export const synAck = tcpFlags.SYN | tcpFlags.ACK;
export const ack = tcpFlags.ACK;

/** The segment's frame; remote address and port are for the kernel to fill in. */
export function frameOf({ family, direction, pod, podPort, flags }: Segment): Uint8Array {
  const { remote } = addressing[family];
  return direction === "ingress"
    ? tcpFrame({ source: remote, destination: pod, sourcePort: 0, port: podPort, flags })
    : tcpFrame({ source: pod, destination: remote, sourcePort: podPort, port: 0, flags });
}
